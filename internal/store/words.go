package store

import (
	"context"
	"strings"
	"time"
)

// What nodes say to each other by notification beside the log's numbers. It is news
// for the moment: lost where nobody listens, as behind a pooler.

const (
	channelOfWords = "mintmark_words"
	listenToWords  = `LISTEN ` + channelOfWords
	// Nothing is lost that anybody relies on, so nobody waits for the disk.
	sayWord = `SELECT set_config('synchronous_commit', 'off', true), pg_notify('` + channelOfWords + `', $1)`

	// LongestWord is what PostgreSQL takes in a notification, less some to spare.
	LongestWord = 7800
	mostWords   = 256 // that wait to be said

	goodbyeWithin = time.Second
)

// Hears has f hear what other nodes say, and this one, until the store is closed. It is
// false where nodes hear nothing of each other.
func (s *Store) Hears(f func(word string)) bool {
	n := s.nodes
	if n == nil || !n.direct {
		return false
	}
	n.hearer.Store(&f)
	return true
}

// Hearing reports whether this node hears all that others say; one that has a database
// to itself does.
func (s *Store) Hearing() bool { return s.nodes == nil || s.nodes.listening.Load() }

// Say tells the other nodes. What is urgent is said before any later commit is told of.
// Of too much at once the rest is dropped.
func (s *Store) Say(word string, urgent bool) {
	into := s.nodes.words
	if urgent {
		into = s.nodes.urgent
	}
	select {
	case into <- word:
	default:
	}
}

// speak says what waits. It has a loop of its own, so that the log's numbers do not
// wait for it.
func (n *nodes) speak(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case word := <-n.words:
			n.say(ctx, word)
		}
	}
}

func (n *nodes) say(ctx context.Context, word string) {
	if _, err := n.pool.Exec(ctx, sayWord, strings.ToValidUTF8(word, "")); err != nil && ctx.Err() == nil {
		n.log.Debug("telling other nodes", "error", err)
	}
}

// sayUrgent says all that is urgent.
func (n *nodes) sayUrgent(ctx context.Context) {
	for {
		select {
		case word := <-n.urgent:
			n.say(ctx, word)
		default:
			return
		}
	}
}
