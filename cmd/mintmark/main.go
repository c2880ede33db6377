// Command mintmark is the server and everything that administers it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/mintmark-id/mintmark/admin"
)

// The exit statuses.
const (
	exitDone       = 0
	exitRefused    = 1 // by the server, or it could not be done
	exitUsage      = 2
	exitNotReached = 3 // there is no server at the socket
)

// usageError is the caller's fault, found before anything was tried.
type usageError struct{ error }

// Unwrap gives the cause.
func (e usageError) Unwrap() error { return e.error }

func usagef(text string, args ...any) error { return usageError{fmt.Errorf(text, args...)} }

// errSaid ends a command whose output says already what is wrong.
var errSaid = errors.New("said already")

// errNoServer is a server elsewhere that does not answer.
var errNoServer = errors.New("the server was not reached")

// globalFlags are known to all commands. Every other setting is a flag of the
// commands that need all of them.
type globalFlags struct {
	Data   string `placeholder:"DIR" help:"${data}"`
	Config string `placeholder:"FILE" help:"TOML file with settings."`
	Server string `placeholder:"URL" help:"Administer a server elsewhere: the address of its administration listener, as in https://id.example.com:8485."`
	Token  string `name:"token-file" placeholder:"FILE" help:"File with the admin token for that, which only its owner may read."`
	JSON   bool   `name:"json" help:"Print JSON: one object, or one on each line of a list."`
}

// noun is a command of the first rank. Its struct is the grammar of what follows.
type noun struct {
	name, help string
	grammar    any
}

// localNouns speak to no running server, or to one of which more is needed than its
// administration API.
const localNouns = "serve demo guard token config backup restore copy migrate version"

// nouns is the command line.
func nouns() []noun {
	return []noun{
		{"serve", "Run the server.", &serveCommand{}},
		{"demo", "Run a server, a demo app and an API, to see how they play together. Nothing is kept.", &demoCommand{}},
		{"client", "Applications that get tokens.", &clientCommand{}},
		{"registration-token", "Tokens with which clients register themselves.", &registrationTokenCommand{}},
		{"admin-token", "Tokens with which the server is administered from elsewhere.", &adminTokenCommand{}},
		{"resource", "APIs that accept tokens.", &resourceCommand{}},
		{"upstream", "OpenID Providers that people may sign in with.", &upstreamCommand{}},
		{"user", "People who sign in.", &userCommand{}},
		{"session", "Sign-ins of browsers.", &sessionCommand{}},
		{"grant", "What sign-ins gave to clients.", &grantCommand{}},
		{"key", "Signing keys.", &keyCommand{}},
		{"revoke", "End a user, a session, a token, or anything else that was given out, and say who has refused it.", &revokeCommand{}},
		{"verifiers", "List the verifiers that follow the revocation feed.", &verifiersCommand{}},
		{"top", "Show what the server does: rates, times, queues, verifiers.", &topCommand{}},
		{"guard", "Check access tokens for a proxy (nginx, Traefik, Envoy) in front of an API that has no SDK.", &guardCommand{}},
		{"token", "Look into a token, or verify one.", &tokenCommand{}},
		{"explain", "Say why a request was refused, by its reference code.", &explainCommand{}},
		{"audit", "Who did what, and when.", &auditCommand{}},
		{"config", "The server's settings.", &configCommand{}},
		{"apply", "Bring the server to what a file declares: resources, clients, users.", &applyCommand{}},
		{"backup", "Copy the database into a file, while the server goes on.", &backupCommand{}},
		{"restore", "Put a backup back. Everyone signs in again.", &restoreCommand{}},
		{"copy", "Copy the database into another place, between SQLite and PostgreSQL too, while no server runs.", &copyCommand{}},
		{"migrate", "The database's schema.", &migrateCommand{}},
		{"version", "Print the version.", &versionCommand{}},
	}
}

// newParser makes the grammar of the nouns that occur among the arguments, of all
// if none does. To make the whole of it takes half as long as to start a server.
func newParser(flags *globalFlags, args []string, options ...kong.Option) *kong.Kong {
	options = append(options,
		kong.Name("mintmark"),
		kong.Description("Identity and token server."),
		settingHelp(),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
	)
	all := nouns()
	named := slices.DeleteFunc(slices.Clone(all), func(n noun) bool { return !slices.Contains(args, n.name) })
	if len(named) == 0 {
		named = all
	}
	for _, n := range named {
		options = append(options, kong.DynamicCommand(n.name, n.help, "", n.grammar))
	}
	return kong.Must(flags, options...)
}

// invocation is one run of the program.
type invocation struct {
	ctx     context.Context // of the whole run
	in      io.Reader
	out     io.Writer
	err     *os.File
	json    bool
	file    string              // --config
	flags   map[string][]string // settings given as flags
	environ []string
	dialed  *admin.Client
	where   string // the server of dialed is: a socket or an address

	elsewhere string // --server
	tokenFile string // --token-file
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:])
	stop()
	os.Exit(status)
}

// run parses and does one command, and gives the exit status.
func run(ctx context.Context, args []string) int {
	if len(args) == 0 || args[0] == "help" {
		args = append(args[min(1, len(args)):], "--help")
	}
	var global globalFlags
	helped := false
	parser := newParser(&global, args, kong.Exit(func(int) { helped = true }))
	chosen, err := parser.Parse(shield(args))
	if helped {
		return exitDone
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "mintmark: %s\nRun mintmark --help, or mintmark COMMAND --help.\n", strings.ReplaceAll(err.Error(), shielded, ""))
		return exitUsage
	}
	unshield(chosen)
	i := &invocation{
		ctx: ctx, in: os.Stdin, out: os.Stdout, err: os.Stderr,
		json: global.JSON, file: global.Config, flags: settingFlags(chosen), environ: os.Environ(),
		elsewhere: global.Server, tokenFile: global.Token,
	}
	defer i.close()
	name, _, _ := strings.Cut(chosen.Command(), " ")
	if i.elsewhere+i.tokenFile != "" && slices.Contains(strings.Fields(localNouns), name) {
		return i.report(usagef("--server and --token-file are for commands that administer a running server, and %s does not", name))
	}
	if err := chosen.BindToProvider(i.server); err != nil {
		panic(err) // its signature is wrong
	}
	return i.report(chosen.Run(i))
}

// report prints an error and gives its exit status.
func (i *invocation) report(err error) int {
	if err == nil {
		return exitDone
	}
	if errors.Is(err, admin.ErrNotReached) {
		fmt.Fprintf(i.err, "mintmark: %s at %s: %s\n", admin.ErrNotReached, i.where, dialing(err))
		if i.elsewhere == "" {
			fmt.Fprintln(i.err, "Start one with mintmark serve, or name the data directory of one that runs: --data DIR.")
		} else {
			fmt.Fprintln(i.err, "Is it the address of its administration listener (admin_listen), and is its certificate from an authority that this machine knows?")
		}
		return exitNotReached
	}
	if !errors.Is(err, errSaid) {
		fmt.Fprintf(i.err, "mintmark: %s\n", err)
	}
	if _, usage := errors.AsType[usageError](err); usage {
		return exitUsage
	}
	if errors.Is(err, errNoServer) {
		return exitNotReached
	}
	return exitRefused
}

// dialing is what went wrong, without what was asked.
func dialing(err error) error {
	if failed, ok := errors.AsType[*net.OpError](err); ok {
		return failed.Err
	}
	return err
}

func (i *invocation) close() {
	if i.dialed != nil {
		i.dialed.Close()
	}
}
