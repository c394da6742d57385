package seed

import (
	"bytes"
	"io"
	"testing"
)

func BenchmarkDefault(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Default(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoad reads, checks and sorts 1,000 topics with their figures.
func BenchmarkLoad(b *testing.B) {
	docs := Generate(1, GenerateOptions{Topics: 1000, Figures: true})
	var export bytes.Buffer
	if err := Encode(&export, objectsOf(docs)); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(export.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load([]string{"-"}, bytes.NewReader(export.Bytes())); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	objects := objectsOf(Generate(1, GenerateOptions{Topics: 1000, Figures: true}))
	b.ReportAllocs()
	for b.Loop() {
		if err := Encode(io.Discard, objects); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGenerate(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if docs := Generate(1, GenerateOptions{Topics: 1000, Figures: true}); len(docs) < 2000 {
			b.Fatal(len(docs))
		}
	}
}

// BenchmarkAt asks a loaded document for the place of a field.
func BenchmarkAt(b *testing.B) {
	docs, err := Default()
	if err != nil {
		b.Fatal(err)
	}
	var topic *Document
	for _, d := range docs {
		if d.Kind == "Topic" {
			topic = d
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if topic.At("spec.partitions") == topic.Pos {
			b.Fatal("not found")
		}
	}
}
