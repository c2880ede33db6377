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

// commands is the command line. Every setting is also a flag of the commands that
// need all of them; data and config are known to all.
type commands struct {
	Data   string `placeholder:"DIR" help:"${data}"`
	Config string `placeholder:"FILE" help:"TOML file with settings."`
	JSON   bool   `name:"json" help:"Print JSON: one object, or one on each line of a list."`

	Serve    serveCommand    `cmd:"" help:"Run the server."`
	Demo     demoCommand     `cmd:"" help:"Run a server, a demo app and an API, to see how they play together. Nothing is kept."`
	Client   clientCommand   `cmd:"" help:"Applications that get tokens."`
	Resource resourceCommand `cmd:"" help:"APIs that accept tokens."`
	User     userCommand     `cmd:"" help:"People who sign in."`
	Session  sessionCommand  `cmd:"" help:"Sign-ins of browsers."`
	Grant    grantCommand    `cmd:"" help:"What sign-ins gave to clients."`
	Key      keyCommand      `cmd:"" help:"Signing keys."`
	Token    tokenCommand    `cmd:"" help:"Look into a token, or verify one."`
	Explain  explainCommand  `cmd:"" help:"Say why a request was refused, by its reference code."`
	Conf     configCommand   `cmd:"" name:"config" help:"The server's settings."`
	Migrate  migrateCommand  `cmd:"" help:"The database's schema."`
	Version  versionCommand  `cmd:"" help:"Print the version."`
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
	socket  string // of dialed
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:])
	stop()
	os.Exit(status)
}

// run parses and does one command, and gives the exit status.
func run(ctx context.Context, args []string) int {
	cli := &commands{}
	helped := false
	parser, err := kong.New(cli,
		kong.Name("mintmark"),
		kong.Description("Identity and token server."),
		settingHelp(),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.Exit(func(int) { helped = true }),
	)
	if err != nil {
		panic(err) // a tag above is wrong
	}
	if len(args) == 0 || args[0] == "help" {
		args = append(args[min(1, len(args)):], "--help")
	}
	chosen, err := parser.Parse(args)
	if helped {
		return exitDone
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "mintmark: %s\nRun mintmark --help, or mintmark COMMAND --help.\n", err)
		return exitUsage
	}
	i := &invocation{
		ctx: ctx, in: os.Stdin, out: os.Stdout, err: os.Stderr,
		json: cli.JSON, file: cli.Config, flags: settingFlags(chosen), environ: os.Environ(),
	}
	defer i.close()
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
		fmt.Fprintf(i.err, "mintmark: %s at %s: %s\n", admin.ErrNotReached, i.socket, dialing(err))
		fmt.Fprintln(i.err, "Start one with mintmark serve, or name the data directory of one that runs: --data DIR.")
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
