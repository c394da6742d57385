// Package seed reads and writes the documents a world starts from.
//
// A seed is ordinary Conduktor YAML (apiVersion, kind, metadata, spec; many
// documents a file) as the Conduktor CLI applies it, beside the kinds of
// apiVersion mockduktor/v1 for what has no Conduktor kind: people, clients,
// keys, consumer groups, figures. Everything that is wrong in a seed is
// reported at once, each fault with file, line and column.
//
// Values of a document are JSON-shaped: map[string]any, []any, string, bool,
// json.Number and nil.
package seed
