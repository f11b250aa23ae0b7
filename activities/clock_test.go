package activities

import (
	"testing"
	"time"
)

func TestHowLongABatchIsAwayIsMeasuredByTemporalsClock(t *testing.T) {
	for _, apart := range []time.Duration{-time.Hour, 0, time.Hour} {
		given := time.Now().Add(apart)
		clock := clockFrom(given)
		first := clock()
		if off := first.Sub(given); off < 0 || off > time.Minute {
			t.Errorf("Temporal's clock is %s from this one, and a posting that begins reads it %s off", apart, off)
		}
		if second := clock(); second.Before(first) {
			t.Error("it goes backwards")
		}
	}
}
