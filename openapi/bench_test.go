package openapi

import (
	"testing"
)

// fresh is a document that has not been read yet.
func fresh(d *Document) *Document { return newDocument(d.yaml, d.kindsJSON, d.checksText) }

// BenchmarkKinds is what a start pays for the catalogue.
func BenchmarkKinds(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		fresh(Console()).Kinds()
	}
}

// BenchmarkCompile is what the first check of an operation pays, and what all
// operations would.
func BenchmarkCompile(b *testing.B) {
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			fresh(Console()).checks().operation("PUT", "/public/iam/v2/group")
		}
	})
	b.Run("all", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			compileAll(fresh(Console()))
		}
	})
}

func compileAll(d *Document) map[string]*operation {
	all := map[string]*operation{}
	for name, one := range d.checks().operations {
		all[name] = one.compiled()
	}
	return all
}

func BenchmarkValidate(b *testing.B) {
	for _, name := range []string{"Topic", "Group", "KafkaCluster"} {
		k := mustKind(b, "v2", name)
		r := k.Example()
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if p := k.Validate(r); p != nil {
					b.Fatal(p)
				}
			}
		})
	}
}

// BenchmarkValidateRefused finds one wrong field, with its nearest name.
func BenchmarkValidateRefused(b *testing.B) {
	k := mustKind(b, "v2", "Topic")
	r := k.Example()
	r["spec"].(map[string]any)["partitons"] = 1
	b.ReportAllocs()
	for b.Loop() {
		if len(k.Validate(r)) != 1 {
			b.Fatal("not refused")
		}
	}
}

func BenchmarkCanonical(b *testing.B) {
	for _, name := range []string{"Topic", "Group"} {
		k := mustKind(b, "v2", name)
		r := k.Example()
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				k.Canonical(r)
			}
		})
	}
}

func BenchmarkValidateBody(b *testing.B) {
	const path = "/public/v1/clusters/{clusterName}/topics"
	body := map[string]any{"page": 1, "itemsPerPage": 50, "sort": "ByName", "filter": []any{map[string]any{"type": "HideInternal"}}}
	b.ReportAllocs()
	for b.Loop() {
		if p := Console().ValidateBody("POST", path, body); p != nil {
			b.Fatal(p)
		}
	}
}

// BenchmarkKin is the same Topic and the same document with kin-openapi, for
// comparison: how long it loads, and how long its plain visitor takes.
func BenchmarkKin(b *testing.B) {
	b.Run("Load", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			loadKin(b, Console())
		}
	})
	b.Run("Topic", func(b *testing.B) {
		k := mustKind(b, "v2", "Topic")
		s := loadKin(b, Console()).Paths.Value(k.ListPath).Put.RequestBody.Value.Content["application/json"].Schema.Value
		r := k.Example()
		b.ReportAllocs()
		for b.Loop() {
			if err := s.VisitJSON(r); err != nil {
				b.Fatal(err)
			}
		}
	})
}
