package openapi

import (
	"cmp"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// decimal is an exact decimal number. Every whole number that an int64 holds is
// small; anything else is digits × 10^exponent with no zero at either end.
type decimal struct {
	small    int64
	digits   string // "" when small
	exponent int
	negative bool
}

// maxExponent bounds the exponents that are understood; beyond it a number is
// nothing that any field holds, and handling it could cost without bound.
const maxExponent = 1000

// decimalOf reads a Go or JSON number. It reports false for what is no number
// or cannot be written in JSON.
func decimalOf(v any) (decimal, bool) {
	switch v := v.(type) {
	case json.Number:
		return parseDecimal(string(v))
	case int:
		return decimal{small: int64(v)}, true
	case int64:
		return decimal{small: v}, true
	case int32:
		return decimal{small: int64(v)}, true
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return decimal{}, false
		}
		return parseDecimal(strconv.FormatFloat(v, 'g', -1, 64))
	}
	return decimal{}, false
}

// parseDecimal reads a number in JSON's notation.
func parseDecimal(text string) (decimal, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return decimal{small: n}, true
	}
	if len(text) > 400 {
		return decimal{}, false
	}
	mantissa, exponentText, hasExponent := strings.Cut(strings.ToLower(text), "e")
	exponent := 0
	if hasExponent {
		var err error
		if exponent, err = strconv.Atoi(exponentText); err != nil || exponent > maxExponent || exponent < -maxExponent {
			return decimal{}, false
		}
	}
	mantissa, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return decimal{}, false
	}
	exponent -= len(fraction)
	digits = strings.TrimLeft(digits, "0")
	trimmed := strings.TrimRight(digits, "0")
	exponent += len(digits) - len(trimmed)
	if trimmed == "" {
		return decimal{}, true
	}
	if exponent >= 0 && len(trimmed)+exponent <= 19 {
		sign := ""
		if negative {
			sign = "-"
		}
		if n, err := strconv.ParseInt(sign+trimmed+strings.Repeat("0", exponent), 10, 64); err == nil {
			return decimal{small: n}, true
		}
	}
	return decimal{digits: trimmed, exponent: exponent, negative: negative}, true
}

func (d decimal) isInteger() bool { return d.digits == "" || d.exponent >= 0 }

// fits says whether the number is whole and within a signed integer of that
// many bits (32 or 64).
func (d decimal) fits(bits int) bool {
	if d.digits != "" {
		return false
	}
	return bits == 64 || d.small >= math.MinInt32 && d.small <= math.MaxInt32
}

// appendTo writes one text for one value, which is JSON.
func (d decimal) appendTo(b []byte) []byte {
	if d.digits == "" {
		return strconv.AppendInt(b, d.small, 10)
	}
	if d.negative {
		b = append(b, '-')
	}
	b = append(b, d.digits...)
	b = append(b, 'e')
	return strconv.AppendInt(b, int64(d.exponent), 10)
}

// String writes the number as people do, for messages.
func (d decimal) String() string {
	if d.digits == "" {
		return strconv.FormatInt(d.small, 10)
	}
	text := string(d.appendTo(nil))
	if f, err := strconv.ParseFloat(text, 64); err == nil {
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return text
}

// compare returns -1, 0 or 1 as d is below, equal to or above o.
func (d decimal) compare(o decimal) int {
	if d.digits == "" && o.digits == "" {
		return cmp.Compare(d.small, o.small)
	}
	d, o = d.wide(), o.wide()
	if d.sign() != o.sign() {
		return cmp.Compare(d.sign(), o.sign())
	}
	magnitude := cmp.Or(
		cmp.Compare(len(d.digits)+d.exponent, len(o.digits)+o.exponent),
		strings.Compare(d.digits, o.digits),
	)
	return magnitude * d.sign()
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.negative:
		return -1
	}
	return 1
}

// wide is the number with its digits spelt out, also when small; zero has none.
func (d decimal) wide() decimal {
	if d.digits != "" || d.small == 0 {
		return d
	}
	text, negative := strings.CutPrefix(strconv.FormatInt(d.small, 10), "-")
	trimmed := strings.TrimRight(text, "0")
	return decimal{digits: trimmed, exponent: len(text) - len(trimmed), negative: negative}
}
