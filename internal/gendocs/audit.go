package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// occasions say when each event is written. Which events there are is read from
// the source; one without a sentence here, or a sentence without an event, is an
// error.
var occasions = map[string]string{
	"account_linked":         "A user linked an account that they have elsewhere; the detail is the upstream.",
	"account_unlinked":       "An account elsewhere was taken from a user, by themself or by an administrator; the detail is its issuer. What was signed in ended, but for the session of a user who did it.",
	"admin_token_created":    "An administrator made an admin token; the detail is its name and its scopes.",
	"admin_token_deleted":    "An administrator took an admin token back; the detail is its name.",
	"admin_token_refused":    "An admin token was refused: there is none such, or it has expired. The detail is the reason, the name if there is one, and the network. One row a minute for each, with a count.",
	"admin_token_used":       "A request was let in by an admin token, which the actor names; the detail is the network. One row a minute for each, with a count. What was done has a row of its own.",
	"all_cut":                "Everything that was issued before was cut off: break glass.",
	"client_created":         "An administrator added a client.",
	"client_cut":             "Everything that a client had ended.",
	"client_deleted":         "An administrator removed a client.",
	"client_disabled":        "An administrator keeps a client out.",
	"client_enabled":         "An administrator let a client in again.",
	"client_registered":      "A client registered itself.",
	"client_updated":         "An administrator changed a client.",
	"clients_forgotten":      "Clients went that had registered themselves and that nobody let in; the detail is their ids.",
	"consent_denied":         "A user said no on the consent page; the detail is the scope that was asked for.",
	"consent_ended":          "A user removed an app, and with it all that it had of them.",
	"consent_given":          "A user said yes on the consent page; the detail is the scope that was allowed.",
	"delivery_given_up":      "A client did not acknowledge a logout for a day, and is told no more. The detail names the session, and the last answer.",
	"grant_ended":            "A grant and its tokens ended: revoked by its client, ended by an administrator, or because a code or refresh token was replayed.",
	"grant_made":             "A client exchanged a code for its first tokens.",
	"initial_token_created":  "An administrator made a token with which clients register themselves; the detail is its id.",
	"initial_token_deleted":  "An administrator took such a token back.",
	"key_active":             "A signing key began to sign, or a root to seal opaque access tokens.",
	"key_compromised":        "A signing key, or the root of opaque access tokens, was declared compromised: every token of it is dead.",
	"key_next":               "A signing key was made and published, to sign later.",
	"key_retired":            "A signing key stopped signing; what it signed stays good.",
	"log_restarted":          "An administrator restored a backup, or (actor `server`) an older copy of the database was put back without being declared: the revocation log begins anew, and everything that was given out before has ended. The detail says which backup or what the proof is, and names both logs.",
	"password_change_failed": "A signed-in user gave a wrong current password. One row a minute for each user, with a count.",
	"password_changed":       "A user changed their password.",
	"password_set":           "An administrator set a user's password; all that the user had ended.",
	"registration_updated":   "A client replaced what it had registered; its users are asked again.",
	"resource_created":       "An administrator added a resource server.",
	"resource_cut":           "All tokens for a resource server ended.",
	"resource_deleted":       "An administrator removed a resource server.",
	"resource_updated":       "An administrator changed a resource server.",
	"rollback_suspected":     "A genuine refresh token is ahead of the database: somebody put back an older copy of it without saying so. One row a minute for each grant, with a count.",
	"secret_rotated":         "An administrator made a client a new secret.",
	"session_ended":          "A sign-in ended: signed out, ended by its user or an administrator, or another user signed in in that browser.",
	"setup_done":             "The setup link was used; it works no more.",
	"sign_up_confirmed":      "The address of an account that its user had made was first seen to be theirs: the password that was set before is removed, and all that the user had ended.",
	"sign_up_refused":        "A network asked for too many accounts. One row a minute for each, with a count.",
	"sign_up_taken":          "Somebody asked for an account with the address of this user, and was told what everybody is told. One row a minute for each address, with a count.",
	"signed_up":              "Somebody made an account by themself. Nobody has seen that the address is theirs, unless the detail names an upstream, which has seen it or the account has none.",
	"sign_in":                "A user signed in; the detail names the session, and the upstream if it was there.",
	"sign_in_failed":         "A sign-in was refused; the detail is the reason. One row a minute for each reason and account, network that has missed too often, or for all that name nobody, with a count. Of a sign-in at an upstream the detail names that too.",
	"token_ended":            "A client revoked a single access token.",
	"upstream_created":       "An administrator lets people sign in with an OpenID Provider; the detail is its id and its issuer.",
	"upstream_deleted":       "An administrator removed an upstream; nothing ended by it.",
	"upstream_updated":       "An administrator changed an upstream.",
	"user_created":           "A user was added, by an administrator, by the setup link, or by themself.",
	"user_cut":               "All that a user had ended, or only their live tokens: signed out everywhere, password changed or set, disabled, deleted.",
	"user_deleted":           "An administrator removed a user.",
	"user_disabled":          "An administrator keeps a user from signing in.",
	"user_enabled":           "An administrator lets a user sign in again.",
	"user_updated":           "An administrator changed a user's profile.",
}

// writeAudit joins the events that the source writes with what is said of them.
func writeAudit(w *writer, root string) error {
	words, err := auditWords(root)
	if err != nil {
		return err
	}
	if err := matched(words, occasions); err != nil {
		return err
	}
	w.paragraph("A row of the table `audit` is committed with what it records, or not at all. `actor` is `user:SUB`, `client:CLIENT_ID`, `admin` (at the socket), `admin:NAME` (with the admin token NAME) or `server`; of a registration the `initial_token:ID` that was shown, or `anyone`. " +
		"Where something ended, `detail` is the reason and the target. A token that is minted, refreshed, introspected or refused writes no row, but a line of the log.")
	w.table("Event", "When", "Written in")
	for _, event := range slices.Sorted(maps.Keys(words)) {
		w.row(code(event), occasions[event], code(strings.Join(words[event], "`, `")))
	}
	return nil
}

// matched holds the source and the sentences to each other.
func matched(words map[string][]string, sentences map[string]string) error {
	var wrong []error
	for event, files := range words {
		if sentences[event] == "" {
			wrong = append(wrong, fmt.Errorf("the audit event %s of %s has no sentence in internal/gendocs/audit.go", event, files[0]))
		}
	}
	for event := range sentences {
		if words[event] == nil {
			wrong = append(wrong, fmt.Errorf("internal/gendocs/audit.go has a sentence for the audit event %s, which nothing writes", event))
		}
	}
	return errors.Join(wrong...)
}
