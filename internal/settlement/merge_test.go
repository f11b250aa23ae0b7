package settlement_test

import (
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"kvitt/internal/settlement"
	"kvitt/internal/settlement/settlementtest"
)

// The components of the days of a payout, merged, are the components of the
// payout, whichever day each row falls on.
func TestMergedDaysAreTheWholePayout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := settlementtest.Draw(t)
		days := map[time.Weekday]*settlement.Tally{}
		for i := range c.Rows {
			day := time.Weekday(rapid.IntRange(0, 3).Draw(t, "day"))
			if days[day] == nil {
				days[day] = settlement.NewTally(c.Payout.Currency)
			}
			days[day].Add(&c.Rows[i])
		}
		var parts []settlement.Component
		for _, tally := range days {
			parts = append(parts, tally.Components()...)
		}
		merged, ok := settlement.MergeComponents(parts)
		want := c.Tally(0).Components()
		if !ok || len(merged)+len(want) > 0 && !cmp.Equal(merged, want) {
			t.Fatalf("%v, all sums fit: %t", cmp.Diff(want, merged), ok)
		}
	})
}

// A figure that is added to Component has to be merged too.
func TestEveryFigureOfAComponentIsMerged(t *testing.T) {
	var one settlement.Component
	fields := reflect.ValueOf(&one).Elem()
	for i := range fields.NumField() {
		if f := fields.Field(i); f.Kind() == reflect.Int64 {
			f.SetInt(3)
		}
	}
	merged, ok := settlement.MergeComponents([]settlement.Component{one, one})
	if !ok || len(merged) != 1 {
		t.Fatalf("%+v %t", merged, ok)
	}
	sum := reflect.ValueOf(merged[0])
	for i := range sum.NumField() {
		if f := sum.Field(i); f.Kind() == reflect.Int64 && f.Int() != 6 {
			t.Errorf("%s is %d, want 6", sum.Type().Field(i).Name, f.Int())
		}
	}
}

func TestAMergeThatDoesNotFitIsReported(t *testing.T) {
	large := settlement.Component{Key: settlement.Key{Type: settlement.TypeSale}, Amount: math.MaxInt64}
	if _, ok := settlement.MergeComponents(slices.Repeat([]settlement.Component{large}, 2)); ok {
		t.Error("a sum that does not fit 64 bits was taken")
	}
}
