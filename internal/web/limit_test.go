package web

import (
	"fmt"
	"testing"
	"time"
)

func TestALimiterRemembersABoundedNumberAndForgetsTheQuietOnesFirst(t *testing.T) {
	l := NewLimiter(2, time.Hour)
	now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	for range 2 {
		l.Wait("busy", now)
	}
	for i := range Remembered + 1000 {
		now = now.Add(time.Millisecond)
		l.Wait(fmt.Sprint(i), now)
		if i%100 == 0 && l.Wait("busy", now) == 0 {
			t.Fatalf("the busy key was forgotten after %d others", i)
		}
		if len(l.keys) > Remembered {
			t.Fatalf("%d keys are remembered", len(l.keys))
		}
	}
	l.Wait("another", now.Add(24*time.Hour))
	if len(l.keys) != 1 {
		t.Errorf("%d keys that may try again are remembered", len(l.keys))
	}
}

func TestWaitingTooLongDoesNotMakeOneWaitLonger(t *testing.T) {
	l := NewLimiter(1, time.Minute)
	now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	l.Wait("a", now)
	for range 10 {
		if d := l.Wait("a", now); d != time.Minute {
			t.Fatalf("it has to wait %s", d)
		}
	}
	if d := l.Wait("a", now.Add(time.Minute)); d != 0 {
		t.Errorf("it has to wait %s after a minute", d)
	}
}
