package visma

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestDecimalsAreWrittenFromIntegersAsPlainLiterals(t *testing.T) {
	for _, c := range []struct {
		minor    int64
		decimals int
		want     string
	}{
		{0, 2, "0"},
		{1, 2, "0.01"},
		{-1, 2, "-0.01"},
		{1250, 2, "12.5"},
		{120000, 2, "1200"},
		{500, 0, "500"},
		{1234567, 3, "1234.567"},
		{123456789012345678, 2, "1234567890123456.78"},
		{math.MaxInt64, 2, "92233720368547758.07"},
		{math.MinInt64, 2, "-92233720368547758.08"},
	} {
		b, err := json.Marshal(V(FromMinor(c.minor, c.decimals)))
		if want := `{"value":` + c.want + `}`; err != nil || string(b) != want {
			t.Errorf("%d with %d decimals is written %s (%v), want %s", c.minor, c.decimals, b, err, want)
		}
	}
}

func TestDecimalsAreReadExactlyHoweverTheyAreWritten(t *testing.T) {
	for _, c := range []struct {
		literal string
		minor   int64
	}{
		{"12.5", 1250},
		{"12.50", 1250},
		{"12.5000000000", 1250},
		{"125e-1", 1250},
		{"1.25E+1", 1250},
		{"0.125e2", 1250},
		{"-0", 0},
		{"0.00", 0},
		{"0e5", 0},
		{"-8300.25", -830025},
		{"1e3", 100000},
		{"90071992547409.93", 9007199254740993}, // a float would give …92
		{"92233720368547758.07", math.MaxInt64},
		{"-92233720368547758.08", math.MinInt64},
		{"null", 0},
	} {
		var d Decimal
		if err := json.Unmarshal([]byte(c.literal), &d); err != nil {
			t.Errorf("%s: %v", c.literal, err)
			continue
		}
		if minor, err := d.Minor(2); err != nil || minor != c.minor {
			t.Errorf("%s is %d minor units (%v), want %d", c.literal, minor, err, c.minor)
		}
	}
}

func TestDecimalsThatDoNotFitAreErrorsAndNeverRounded(t *testing.T) {
	for literal, want := range map[string]string{
		"0.001":                 "more than 2 decimals",
		"12.345":                "more than 2 decimals",
		"0.1000000000000000055": "more than 2 decimals",
		"92233720368547758.08":  "too large",
		"1e30":                  "too large",
	} {
		d, err := ParseDecimal(literal)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Minor(2); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s in minor units: error %v, want %q", literal, err, want)
		}
	}
}

func TestWhatIsNotAJSONNumberIsNotADecimal(t *testing.T) {
	for _, literal := range []string{
		"", "-", ".", "1.", ".5", "01", "-01", "+1", "1e", "1e+", "0x1", "1_000", "1,5", " 1", "1 ",
		"NaN", "Infinity", `"12.50"`, "true", "{}", "1e10001", "1e-99999999999999999999", strings.Repeat("9", 2000),
	} {
		if d, err := ParseDecimal(literal); err == nil {
			t.Errorf("%.20q was read as %s", literal, d)
		}
	}
	var d Decimal
	if err := json.Unmarshal([]byte(`"12.50"`), &d); err == nil {
		t.Error("a number in quotes was accepted")
	}
}

func TestEqualDecimalsAreEqualHoweverTheyWereWritten(t *testing.T) {
	a, _ := ParseDecimal("1.50")
	b, _ := ParseDecimal("15e-1")
	if a != b || !a.Equal(FromMinor(150, 2)) || a.Neg().Neg() != a || !(Decimal{}).Neg().IsZero() {
		t.Errorf("%s and %s are not equal", a, b)
	}
}

func TestDecimalsComeBackFromMinorUnits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minor := rapid.Int64().Draw(t, "minor")
		decimals := rapid.IntRange(0, 6).Draw(t, "decimals")
		d := FromMinor(minor, decimals)
		b, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		var back Decimal
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if got, err := back.Minor(decimals); err != nil || got != minor || back != d {
			t.Fatalf("%d became %s and then %d (%v)", minor, b, got, err)
		}
	})
}

// checkDecimal checks what must hold for every literal that is read.
func checkDecimal(t *testing.T, literal string) {
	d, err := ParseDecimal(literal)
	if err != nil {
		return
	}
	if !json.Valid([]byte(literal)) {
		t.Fatalf("%q was read and is not JSON", literal)
	}
	written := d.String()
	if !json.Valid([]byte(written)) {
		t.Fatalf("%q was written as %q, which is not JSON", literal, written)
	}
	if back, err := ParseDecimal(written); err != nil || back != d {
		t.Fatalf("%q was written as %q and read as %s (%v)", literal, written, back, err)
	}
	if d.exponent > 400 || d.exponent < -1500 {
		return // too long for the exact comparison
	}
	want, ok := new(big.Rat).SetString(literal)
	got, _ := new(big.Rat).SetString(written)
	if !ok || want.Cmp(got) != 0 {
		t.Fatalf("%q became %q, another number", literal, written)
	}
}
