package kinds

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// Bounds on CEL expressions, so that none can hold up the server: of their
// length in characters, and of one evaluation in CEL's own units of cost.
const (
	celMaxLength = 10_000
	celMaxCost   = 200_000
)

// policyEnvironment is what the conditions of resource policies may speak of:
// the four parts of a resource, CEL's standard functions and macros.
var policyEnvironment = sync.OnceValues(func() (*cel.Env, error) {
	return newCELEnvironment(map[string]*cel.Type{"apiVersion": cel.StringType, "kind": cel.StringType,
		"metadata": cel.MapType(cel.StringType, cel.DynType), "spec": cel.MapType(cel.StringType, cel.DynType)})
})

// messageEnvironment is what data quality rules may speak of: the parts of a
// message (Console documentation, data quality).
var messageEnvironment = sync.OnceValues(func() (*cel.Env, error) {
	return newCELEnvironment(map[string]*cel.Type{"key": cel.DynType, "value": cel.DynType, "headers": cel.DynType})
})

func newCELEnvironment(variables map[string]*cel.Type) (*cel.Env, error) {
	options := []cel.EnvOption{cel.ParserExpressionSizeLimit(celMaxLength)}
	for name, of := range variables {
		options = append(options, cel.Variable(name, of))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, fmt.Errorf("CEL environment: %w", err)
	}
	return env, nil
}

// compileCEL checks a condition; what it returns as text says what is wrong and
// where, "" when nothing is.
func compileCEL(environment func() (*cel.Env, error), source string) (*cel.Ast, string) {
	env, err := environment()
	if err != nil {
		return nil, err.Error()
	}
	ast, issues := env.Compile(source)
	if issues.Err() != nil {
		var texts []string
		for _, one := range issues.Errors() {
			texts = append(texts, fmt.Sprintf("line %d, column %d: %s", one.Location.Line(), one.Location.Column()+1, one.Message))
		}
		return nil, "expected a CEL expression, but " + strings.Join(texts, "; ")
	}
	if out := ast.OutputType(); !out.IsExactType(cel.BoolType) && !out.IsExactType(cel.DynType) {
		return nil, fmt.Sprintf("expected a CEL expression that is true or false, this one gives %s", cel.FormatCELType(out))
	}
	return ast, ""
}

// policyProgram makes a condition of a resource policy ready to run.
func policyProgram(source string) (cel.Program, string) {
	ast, wrong := compileCEL(policyEnvironment, source)
	if wrong != "" {
		return nil, wrong
	}
	env, err := policyEnvironment()
	if err != nil {
		return nil, err.Error()
	}
	program, err := env.Program(ast, cel.CostLimit(celMaxCost))
	if err != nil {
		return nil, "expected a CEL expression that can be run: " + err.Error()
	}
	return program, ""
}

// holds runs a condition over a resource. An error says why it has no answer.
func holds(program cel.Program, resource map[string]any) (bool, error) {
	out, _, err := program.Eval(resource)
	if err != nil {
		return false, err
	}
	if out == types.True {
		return true, nil
	}
	if out == types.False {
		return false, nil
	}
	return false, fmt.Errorf("it gives %s instead of true or false", out.Type().TypeName())
}

// celValue turns JSON-shaped values into those that CEL computes with: whole
// numbers are int, others double.
func celValue(value any) any {
	switch value := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(value))
		for name, inner := range value {
			out[name] = celValue(inner)
		}
		return out
	case []any:
		out := make([]any, len(value))
		for i, inner := range value {
			out[i] = celValue(inner)
		}
		return out
	case json.Number:
		if whole, err := value.Int64(); err == nil {
			return whole
		}
		if double, err := value.Float64(); err == nil {
			return double
		}
		return value.String()
	}
	return value
}
