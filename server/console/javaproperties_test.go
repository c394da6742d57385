package console

import (
	"maps"
	"strings"
	"testing"
)

func TestParseProperties(t *testing.T) {
	for _, one := range []struct {
		text string
		want map[string]string
	}{
		{"", map[string]string{}},
		{"a=1", map[string]string{"a": "1"}},
		// The sample of the published document.
		{"ssl.truststore.location=/etc/kafka/secrets/kafka.truststore.jks\nsecurity.protocol=SSL\nssl.truststore.password=conduktor",
			map[string]string{"ssl.truststore.location": "/etc/kafka/secrets/kafka.truststore.jks", "security.protocol": "SSL", "ssl.truststore.password": "conduktor"}},
		{`sasl.jaas.config=org.example.Login required username="a" password="b=c:d #e";`,
			map[string]string{"sasl.jaas.config": `org.example.Login required username="a" password="b=c:d #e";`}},
		// The rules of java.util.Properties.load, one by one.
		{"Truth = Beauty\n Truth2:Beauty\nTruth3                    :Beauty", map[string]string{"Truth": "Beauty", "Truth2": "Beauty", "Truth3": "Beauty"}},
		{"fruits    apple, banana, pear, \\\n           cantaloupe, watermelon, \\\n           kiwi", map[string]string{"fruits": "apple, banana, pear, cantaloupe, watermelon, kiwi"}},
		{"cheeses", map[string]string{"cheeses": ""}},
		{"# no\n  ! nor this\r\n\r\n\t\f\na=1\rb=2", map[string]string{"a": "1", "b": "2"}},
		{"# a comment is not continued \\\na=1", map[string]string{"a": "1"}},
		{`a\ b\:c\=d = e`, map[string]string{"a b:c=d": "e"}},
		{`a=\t\n\r\f\\\q`, map[string]string{"a": "\t\n\r\f\\q"}},
		{`a=\u00e9\u20ac\ud83d\ude00x`, map[string]string{"a": "é€😀x"}},
		{`a=b\\` + "\nc=d", map[string]string{"a": `b\`, "c": "d"}},
		{`a=b\`, map[string]string{"a": "b"}},
		{"a=1\na=2", map[string]string{"a": "2"}},
		{"a = 1 ", map[string]string{"a": "1 "}},
		{"a==b", map[string]string{"a": "=b"}},
		{"a : = b", map[string]string{"a": "= b"}},
	} {
		got, err := parseProperties(one.text)
		if err != nil {
			t.Errorf("%q: %v", one.text, err)
		} else if !maps.Equal(got, one.want) {
			t.Errorf("%q:\n got %q\nwant %q", one.text, got, one.want)
		}
	}
	for text, says := range map[string]string{
		"a=1\nb=\\u12": "line 2: expected four hexadecimal digits",
		`b=\uzzzz`:     "line 1:",
		"a=1\\\n2\n=x": "line 3: there is no name",
	} {
		if _, err := parseProperties(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: got %v, want %q", text, err, says)
		}
	}
}

func FuzzProperties(f *testing.F) {
	for _, seed := range []string{"a=1", "a\\\n b : c", `\u0041=\ud83d`, " =\\ \\\t", "!#\n#!x=y"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := parseProperties(text)
		if err != nil {
			return
		}
		again, err := parseProperties(formatProperties(parsed))
		if err != nil || !maps.Equal(again, parsed) {
			t.Fatalf("%q became %q, which reads as %q (%v)", parsed, formatProperties(parsed), again, err)
		}
	})
}
