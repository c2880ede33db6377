package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mintmark-id/mintmark/internal/record"
)

// Several nodes on one PostgreSQL share nothing but the database. Each follows the
// revocation log: what it says of rows that are kept in memory is evicted before
// the cache's clock moves (tokens.md I1). A notification, sent after the commit,
// makes that a matter of milliseconds; the poll is what can be relied on.

const (
	// pollPeriod is how often a node reads the head when it hears nothing: poolers
	// drop LISTEN, and a node may die between its commit and the notification.
	pollPeriod = 500 * time.Millisecond
	// silentAfter is when a node that has not read the head stops to mint.
	silentAfter = 10 * time.Second
	// farthestOff is how far its clock may be from the database's (tokens.md I4).
	farthestOff = 10 * time.Second
	// againAfter is when a connection that listens is made anew.
	againAfter = time.Second

	channelOfLog = "mintmark_log"
	listen       = `LISTEN ` + channelOfLog
	// What it tells of is on the disk, so it need not wait for that itself.
	notify    = `SELECT set_config('synchronous_commit', 'off', true), pg_notify('` + channelOfLog + `', $1)`
	readClock = `SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)`
)

// Why a node does not serve.
var (
	errCutOff = errors.New("the head of the revocation log was not read for 10 s")
	errClock  = errors.New("this machine's clock is more than 10 s off the database's: set it right")
)

// nodes is a node's part in a cluster.
type nodes struct {
	pool     *pgxpool.Pool
	direct   bool // no pooler is in between
	config   *pgx.ConnConfig
	log      *slog.Logger
	flights  int
	period   time.Duration // of the poll
	ownClock bool          // is the system's: a test's is not held to the database's

	current   atomic.Pointer[logName]
	confirmed atomic.Pointer[time.Time] // when the head was last known
	off       atomic.Int64              // ms that the clock is ahead of the database's

	questions chan *question // see reads.go
	closing   chan struct{}  // closed when no more are taken
	stopping  sync.Once
	asking    sync.WaitGroup

	listening atomic.Bool
	news      chan int64  // numbers to tell the others of
	urgent    chan string // see words.go
	words     chan string
	hearer    atomic.Pointer[func(word string)]
	cancel    context.CancelFunc
	loops     sync.WaitGroup
}

// startFollowing starts to follow what other nodes commit.
func (s *Store) startFollowing() {
	n := s.nodes
	ctx, cancel := context.WithCancel(context.Background())
	n.cancel, n.news = cancel, make(chan int64, 1)
	n.urgent, n.words = make(chan string, mostWords), make(chan string, mostWords)
	n.loops.Go(func() { s.poll(ctx) })
	n.loops.Go(func() { n.speak(ctx) })
	n.loops.Go(func() { n.tell(ctx) })
	if n.direct {
		n.loops.Go(func() { s.hear(ctx) })
	}
}

func (n *nodes) stop() {
	if n.cancel != nil {
		n.cancel()
	}
	n.loops.Wait()
}

// poll reads head and clock again and again.
func (s *Store) poll(ctx context.Context) {
	tick := time.NewTicker(s.nodes.period)
	defer tick.Stop()
	well := true
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		_, err := s.confirm(ctx)
		if err == nil {
			err = s.checkClock(ctx)
		}
		if err == nil {
			err = s.each(ctx, showServing, nil, func(*sql.Rows) error { return nil })
		}
		if ctx.Err() != nil {
			return
		}
		switch {
		case err != nil && well:
			s.nodes.log.Error("following the database", "error", err)
		case err == nil && !well:
			s.nodes.log.Info("the database answers again")
		}
		well = err == nil
	}
}

// checkClock compares the machine's clock with the database's.
func (s *Store) checkClock(ctx context.Context) error {
	var at int64
	before := time.Now()
	if err := s.one(ctx, readClock, nil, []any{&at}); err != nil {
		return unavailable("reading the database's clock", err)
	}
	middle := before.Add(time.Since(before) / 2)
	s.nodes.off.Store(middle.UnixMilli() - at)
	return s.nodes.onTime()
}

func (n *nodes) onTime() error {
	if off := time.Duration(n.off.Load()) * time.Millisecond; n.ownClock && off.Abs() > farthestOff {
		return fmt.Errorf("%w: it is %s ahead", errClock, off)
	}
	return nil
}

// Fit reports why this node must not serve: it is cut off, or its clock is wrong. A
// single node on SQLite always is.
func (s *Store) Fit() error {
	n := s.nodes
	if n == nil {
		return nil
	}
	if err := n.onTime(); err != nil {
		return unavailable("serving", err)
	}
	if at := n.confirmed.Load(); at == nil || time.Since(*at) > silentAfter {
		return unavailable("serving", errCutOff)
	}
	return nil
}

// hear follows the log as soon as another node tells that it moved.
func (s *Store) hear(ctx context.Context) {
	for ctx.Err() == nil {
		err := s.hearOn(ctx)
		if ctx.Err() != nil {
			return
		}
		s.nodes.log.Warn("listening to other nodes; the poll goes on", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(againAfter):
		}
	}
}

// hearOn listens on a connection of its own until that is lost.
func (s *Store) hearOn(ctx context.Context) error {
	conn, err := pgx.ConnectConfig(ctx, s.nodes.config)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // it is lost already
	for _, channel := range []string{listen, listenToWords} {
		if _, err := conn.Exec(ctx, channel); err != nil {
			return err
		}
	}
	s.nodes.listening.Store(true)
	defer s.nodes.listening.Store(false)
	for {
		told, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		if told.Channel == channelOfWords {
			if hear := s.nodes.hearer.Load(); hear != nil {
				(*hear)(told.Payload)
			}
			continue
		}
		if seq, err := strconv.ParseInt(told.Payload, 10, 64); err == nil && s.memory.has(seq) {
			continue // it was ours, or came with another
		}
		if _, err := s.confirm(ctx); err != nil {
			return err
		}
	}
}

// tell notifies the other nodes, of the last number alone where several wait. It is
// no part of the commit: inside of it, notifications would make commits wait for
// each other.
func (n *nodes) tell(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbyeWithin)
			defer cancel()
			n.sayUrgent(ending)
			return
		case word := <-n.urgent:
			n.say(ctx, word)
		case seq := <-n.news:
			n.sayUrgent(ctx)
			if _, err := n.pool.Exec(ctx, notify, strconv.FormatInt(seq, 10)); err != nil && ctx.Err() == nil {
				n.log.Warn("notifying other nodes; their poll goes on", "error", err)
			}
		}
	}
}

// seen is called after a commit that moved the log, and before anybody is told of
// it: this node sees it, and the others hear of it.
func (s *Store) seen(changed []cachedRow) {
	s.memory.note(changed)
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	// Trouble here changes nothing of what was committed, and every later read that
	// needs to have seen it reads the log itself.
	_, _ = s.confirm(ctx)
	seq := s.memory.reached.Load()
	select {
	case <-s.nodes.news: // an older number, which this one covers
	default:
	}
	select {
	case s.nodes.news <- seq:
	default:
	}
}

// rename learns which log it is.
func (s *Store) rename() error {
	head, err := s.Head(context.Background())
	if err == nil {
		s.nodes.current.Store(&logName{head.LogID, head.FeedKey})
	}
	return err
}

// learn takes what was read of the log into the cache: rows that changed are
// evicted, then the clock moves.
func (s *Store) learn(head *record.Head, began time.Time, changed []cachedRow, all bool) {
	n := s.nodes
	if name := n.current.Load(); name == nil || name.id != head.LogID {
		n.current.Store(&logName{head.LogID, head.FeedKey})
	}
	n.confirmed.Store(&began)
	if all {
		s.cache.forget()
	}
	if at := s.cache.at.Load(); all || len(changed) > 0 || at.lc != head.LC {
		s.cache.publish(view{lc: head.LC, allCut: head.AllCut}, changed)
	}
}

func isNetwork(err error) bool {
	var e net.Error
	return errors.As(err, &e)
}
