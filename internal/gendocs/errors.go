package main

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/mintmark-id/mintmark/internal/oauth"
)

// writeErrors lists package oauth's table of reasons, by what goes on the wire.
func writeErrors(w *writer) error {
	w.paragraph("A client sees `error` and `error_description`. Several reasons share one of each on purpose: a client must not learn why a grant is invalid. " +
		"Each refusal carries a code in the header `Error-Reference` and on error pages; an administrator opens it with `mintmark explain CODE` and reads the reason, " +
		"the rule, what was looked at, and what was expected and seen, in the unit below. The reason is also in the log line of the request.")
	w.paragraph("Statuses are those of a direct answer. At the authorization endpoint an error goes back to the client as a redirect, unless it is about the client or its redirect URI. " +
		"Our own pages never answer 401. At userinfo, what is `invalid_grant` at the token endpoint is `invalid_token`. " +
		"The administration API answers problem+json (RFC 9457) instead.")
	var codes []oauth.Code
	byCode := map[oauth.Code][]oauth.Info{}
	for _, reason := range oauth.Reasons() {
		info, ok := oauth.Lookup(reason)
		if !ok {
			return fmt.Errorf("the reason %s has no row", reason)
		}
		if !slices.Contains(codes, info.Code) {
			codes = append(codes, info.Code)
		}
		byCode[info.Code] = append(byCode[info.Code], info)
	}
	for _, c := range codes {
		w.heading(2, string(c))
		w.table("Reason", "Status", "`error_description`", "Rule", "Looks at", "Unit")
		for _, info := range byCode[c] {
			w.row(code(string(info.Reason)), statusOf(info), description(info), info.Rule, either(code(info.Claim)), either(string(info.Unit)))
		}
	}
	return nil
}

func statusOf(info oauth.Info) string {
	status := strconv.Itoa(oauth.Refuse(info.Reason).Status())
	if info.RetryAfter > 0 {
		status += fmt.Sprintf(", Retry-After %d", int64(info.RetryAfter.Seconds()))
	}
	return status
}

func description(info oauth.Info) string {
	if info.Named {
		return info.Description + " (*parameter*)"
	}
	return info.Description
}
