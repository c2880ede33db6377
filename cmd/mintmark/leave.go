package main

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// told is a channel of what tells the server to stop: the second such signal is in it
// too. A terminal's interrupt and a supervisor's SIGTERM come here as they come to the
// context of the command.
func told() (signals <-chan os.Signal, ignore func()) {
	channel := make(chan os.Signal, 2)
	signal.Notify(channel, os.Interrupt, syscall.SIGTERM)
	return channel, func() { signal.Stop(channel) }
}

// leave lets balancers see that the server is about to stop, while it serves all the
// same: until the time for that is over, or it is told once more. Who sits at a
// terminal does not wait.
func (s *server) leave(signals <-chan os.Signal) error {
	select {
	case first := <-signals:
		if first != syscall.SIGTERM || s.config.Drain == 0 {
			return nil
		}
	default:
		return nil
	}
	s.leaving.Store(true)
	s.log.Info("told to stop: /readyz says so, and what comes is served", "for", s.config.Drain.String())
	over := time.NewTimer(s.config.Drain)
	defer over.Stop()
	select {
	case <-over.C:
	case <-signals:
		s.log.Info("told to stop once more: it stops now")
	case err := <-s.failed:
		return err
	}
	return nil
}
