package seed

// Bounds of what a seed may ask for. They are far above what a seed needs and
// keep a hostile or broken file from taking the machine's memory.
const (
	// MaxBytes is the longest text that Parse is meant for.
	MaxBytes = maxFileBytes

	maxFileBytes    = 64 << 20 // one file, before and after placeholders
	maxSchemaBytes  = 4 << 20  // one schemaFile
	maxDepth        = 64       // nesting of maps and lists in one document
	maxAliasedNodes = 10_000   // values that aliases of one document may add
	maxFiles        = 10_000   // files of one folder
)
