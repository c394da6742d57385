package server_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server"
)

// cliEnv is what the Conduktor CLI reads from its environment.
type cliEnv struct {
	baseURL  string // CDK_BASE_URL
	apiKey   string // CDK_API_KEY
	user     string // CDK_USER
	password string // CDK_PASSWORD
	authMode string // CDK_AUTH_MODE
}

// cli sends what the Conduktor CLI (0.7) sends, reads what it reads and prints
// what it prints; the server knows nothing of it.
type cli struct {
	base          string // ends in /api
	authorization string
	cliCatalogue
	// offline: the document could not be read, so the real CLI would go on with
	// the kinds that are built into it.
	offline error
}

// cliCatalogue is what the CLI reads out of docs.yaml.
type cliCatalogue struct {
	kinds map[string]map[int]cliKind // by name and version
	runs  map[string]cliRun
}

// ownCatalogue is that of the embedded document, read once: doing it for every
// command as the CLI does would be most of what these tests cost.
var ownCatalogue = sync.OnceValues(func() (cliCatalogue, error) {
	return readCatalogue(openapi.Console().YAML())
})

// cliKind is one version of a kind as the CLI reads it out of docs.yaml.
type cliKind struct {
	name, listPath string
	version, order int
	parents        []string // path parameters of PUT
	owner          []string // query parameters of PUT
	filters        []string // query parameters of GET
	requiredFilter bool
	example        string // YAML
}

// cliRun is an operation that became a command of `conduktor run`.
type cliRun struct{ method, path, doc string }

var apiSuffix = regexp.MustCompile(`(/api)?/?$`)

// newCLI does what every command of the CLI begins with.
func newCLI(t testing.TB, env cliEnv) (*cli, error) {
	t.Helper()
	if env.user != "" && env.apiKey != "" {
		return nil, fmt.Errorf("Can't set both CDK_USER and CDK_API_KEY") //nolint:staticcheck // the CLI's text
	}
	c := &cli{base: apiSuffix.ReplaceAllString(env.baseURL, "/api")}
	switch {
	case env.apiKey != "":
		c.authorization = "Bearer " + env.apiKey
	case env.authMode == "external" && env.user != "":
		c.authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(env.user+":"+env.password))
	case env.user != "":
		token, err := c.login(t, env.user, env.password)
		if err != nil {
			return nil, err
		}
		c.authorization = "Bearer " + token
	}
	got := c.send(t, http.MethodGet, "/public/docs/docs.yaml", nil, "", nil)
	if got.status >= http.StatusBadRequest {
		c.offline = fmt.Errorf("docs.yaml: %d %s", got.status, got.body)
		return c, nil
	}
	if bytes.Equal(got.body, openapi.Console().YAML()) {
		c.cliCatalogue, c.offline = ownCatalogue()
	} else {
		c.cliCatalogue, c.offline = readCatalogue(got.body)
	}
	return c, nil
}

// mustCLI is newCLI where the environment is in order and the server answers.
func mustCLI(t testing.TB, env cliEnv) *cli {
	t.Helper()
	c, err := newCLI(t, env)
	if err == nil {
		err = c.offline
	}
	if err != nil {
		t.Fatalf("the CLI does not get going: %v", err)
	}
	return c
}

// asRoot is the CLI of the root admin, with user and password.
func asRoot(t testing.TB, running *server.Server) *cli {
	t.Helper()
	return mustCLI(t, cliEnv{baseURL: running.URL(), user: server.DefaultAdminEmail, password: server.DefaultAdminPassword})
}

// asPerson is the CLI with CDK_AUTH_MODE=external and a person's token as the key.
func asPerson(t testing.TB, running *server.Server, login string) *cli {
	t.Helper()
	return mustCLI(t, cliEnv{baseURL: running.URL(), apiKey: tokenOf(t, running, login), authMode: "external"})
}

// withKey is the CLI with a Console API key.
func withKey(t testing.TB, running *server.Server, key string) *cli {
	t.Helper()
	return mustCLI(t, cliEnv{baseURL: running.URL(), apiKey: key})
}

// send is one request; the CLI follows no redirect of a PUT and knows no cookies.
func (c *cli) send(t testing.TB, method, path string, query url.Values, contentType string, body []byte) answer {
	t.Helper()
	address := c.base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	request, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-CDK-CLIENT", "CLI/v0.7.0")
	request.Header.Set("User-Agent", "go-resty/2.17.1 (https://github.com/go-resty/resty)")
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	if c.authorization != "" {
		request.Header.Set("Authorization", c.authorization)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, data}
}

// post sends JSON as resty does for a map.
func (c *cli) post(t testing.TB, path string, body map[string]string) answer {
	t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return c.send(t, http.MethodPost, path, nil, "application/json", encoded)
}

// cliError is what the CLI prints of a refused request: cause, else msg, else
// title; what is not JSON as it is. nil below status 400.
func cliError(got answer) error {
	if got.status < http.StatusBadRequest {
		return nil
	}
	var body problem
	if err := json.Unmarshal(got.body, &body); err != nil {
		return fmt.Errorf("%s", got.body)
	}
	for _, text := range []string{body.Cause, body.Msg} {
		if text != "" {
			return fmt.Errorf("%s", text)
		}
	}
	return fmt.Errorf("%s", body.Title)
}

func (c *cli) login(t testing.TB, user, password string) (string, error) {
	t.Helper()
	got := c.post(t, "/login", map[string]string{"username": user, "password": password})
	if got.status == http.StatusUnauthorized {
		return "", fmt.Errorf("Could not login: Invalid username or password") //nolint:staticcheck // the CLI's text
	}
	if err := cliError(got); err != nil {
		return "", fmt.Errorf("Could not login: %w", err) //nolint:staticcheck // the CLI's text
	}
	var result struct {
		AccessToken string `json:"access_token"`
	}
	got.json(t, &result)
	return result.AccessToken, nil
}

// cliDocument is as much of the OpenAPI document as the CLI looks at. It sees
// the parameters of operations only, not those of paths.
type cliDocument struct {
	Paths map[string]struct {
		Get, Put, Post, Delete *cliOperation
	}
	Components struct {
		Parameters map[string]cliParameter
		Schemas    map[string]cliSchema
	}
}

type cliOperation struct {
	Tags        []string
	Parameters  []cliParameter
	RequestBody struct {
		Content map[string]struct{ Example yaml.Node }
	} `yaml:"requestBody"`
	RunName string `yaml:"x-cdk-run-name"`
	RunDoc  string `yaml:"x-cdk-run-doc"`
}

type cliParameter struct {
	Ref      string `yaml:"$ref"`
	Name, In string
	Required *bool
	Schema   cliSchema
}

type cliSchema struct {
	Ref  string `yaml:"$ref"`
	Type any
}

var kindTag = regexp.MustCompile(`cli_([^_]+)_[^_]+_v(\d+)(?:_(\d+))?`)

func readCatalogue(data []byte) (cliCatalogue, error) {
	c := cliCatalogue{map[string]map[int]cliKind{}, map[string]cliRun{}}
	var document cliDocument
	if err := yaml.Unmarshal(data, &document); err != nil {
		return c, fmt.Errorf("docs.yaml: %w", err)
	}
	for path, item := range document.Paths {
		if item.Get != nil && item.Put != nil {
			if err := c.readKind(&document, path, item.Get, item.Put); err != nil {
				return c, fmt.Errorf("docs.yaml: %s: %w", path, err)
			}
		}
		for method, operation := range map[string]*cliOperation{http.MethodGet: item.Get, http.MethodPost: item.Post,
			http.MethodPut: item.Put, http.MethodDelete: item.Delete} {
			if operation == nil || operation.RunName == "" {
				continue
			}
			for _, parameter := range operation.Parameters {
				if _, err := document.parameter(parameter); err != nil {
					return c, fmt.Errorf("docs.yaml: %s: %w", path, err)
				}
			}
			c.runs[operation.RunName] = cliRun{method, path, operation.RunDoc}
		}
	}
	return c, nil
}

func (c cliCatalogue) readKind(document *cliDocument, path string, get, put *cliOperation) error {
	at := slices.IndexFunc(put.Tags, func(tag string) bool { return strings.HasPrefix(tag, "cli_") })
	if at < 0 {
		return nil
	}
	parts := kindTag.FindStringSubmatch(put.Tags[at])
	if parts == nil {
		return fmt.Errorf("tag %q is not cli_<kind>_<group>_v<version>_<order>", put.Tags[at])
	}
	kind := cliKind{name: upperCamel(parts[1]), listPath: path, order: 1000}
	kind.version, _ = strconv.Atoi(parts[2])
	if parts[3] != "" {
		kind.order, _ = strconv.Atoi(parts[3])
	}
	for _, parameter := range put.Parameters {
		parameter, err := document.parameter(parameter)
		if err != nil {
			return err
		}
		switch {
		case parameter.In == "path" && *parameter.Required:
			kind.parents = append(kind.parents, parameter.Name)
		case parameter.In == "query" && parameter.Name != "dryMode":
			kind.owner = append(kind.owner, parameter.Name)
		}
	}
	for _, parameter := range get.Parameters {
		parameter, err := document.parameter(parameter)
		if err != nil {
			return err
		}
		if parameter.In == "query" {
			kind.filters = append(kind.filters, parameter.Name)
			kind.requiredFilter = kind.requiredFilter || *parameter.Required
		}
	}
	if example := put.RequestBody.Content["application/json"].Example; !example.IsZero() {
		text, err := yaml.Marshal(&example)
		if err != nil {
			return err
		}
		kind.example = string(text)
	}
	if c.kinds[kind.name] == nil {
		c.kinds[kind.name] = map[int]cliKind{}
	}
	c.kinds[kind.name][kind.version] = kind
	return nil
}

// parameter follows a reference. Where the CLI would panic there is an error.
func (d *cliDocument) parameter(p cliParameter) (cliParameter, error) {
	if p.Ref != "" {
		p = d.Components.Parameters[strings.TrimPrefix(p.Ref, "#/components/parameters/")]
	}
	if p.Required == nil {
		return p, fmt.Errorf("parameter %q of the %s says nothing of required: the CLI panics", p.Name, p.In)
	}
	schema := p.Schema
	if schema.Ref != "" {
		schema = d.Components.Schemas[strings.TrimPrefix(schema.Ref, "#/components/schemas/")]
	}
	// The CLI drops a flag whose type is not exactly one.
	if _, one := schema.Type.(string); !one {
		return p, fmt.Errorf("parameter %q has the type %v: the CLI has no flag for it", p.Name, schema.Type)
	}
	return p, nil
}

// upperCamel turns ksql-d-b-cluster into KsqlDBCluster.
func upperCamel(kebab string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(kebab, "-") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// latest is the version of a kind that the CLI lists and gets.
func (c *cli) latest(t testing.TB, name string) cliKind {
	t.Helper()
	versions := slices.Sorted(maps.Keys(c.kinds[name]))
	if len(versions) == 0 {
		t.Fatalf("the CLI knows no kind %s", name)
	}
	return c.kinds[name][versions[len(versions)-1]]
}

// path fills the parents in, as they are: the CLI escapes nothing.
func (k cliKind) path(parents []string) string {
	path := k.listPath
	for i, parent := range k.parents {
		path = strings.Replace(path, "{"+parent+"}", parents[i], 1)
	}
	return path
}

// cliResource is a resource as the CLI handles it: its bytes, and what it reads.
type cliResource struct {
	raw                    json.RawMessage
	kind, name, apiVersion string
	metadata               map[string]any
}

func (r *cliResource) UnmarshalJSON(data []byte) error {
	var envelope struct {
		APIVersion string
		Kind       string
		Metadata   map[string]any
		Spec       map[string]any
	}
	if err := json.Unmarshal(data, &envelope); err != nil {
		return err
	}
	name, ok := envelope.Metadata["name"].(string)
	if !ok {
		return fmt.Errorf("key name not found in metadata")
	}
	*r = cliResource{slices.Clone(data), envelope.Kind, name, envelope.APIVersion, envelope.Metadata}
	return nil
}

// fromYAML reads a file of resources.
func fromYAML(t testing.TB, text string) []cliResource {
	t.Helper()
	var resources []cliResource
	decoder := yaml.NewDecoder(strings.NewReader(text))
	for {
		var object map[string]any
		err := decoder.Decode(&object)
		if err == io.EOF {
			return resources
		}
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		var resource cliResource
		if err := json.Unmarshal(encoded, &resource); err != nil {
			t.Fatal(err)
		}
		resources = append(resources, resource)
	}
}

var apiVersionNumber = regexp.MustCompile(`v(\d+)`)

// place finds the kind of a resource, its list path and the owner's parameters.
func (c *cli) place(t testing.TB, r cliResource) (cliKind, string, url.Values) {
	t.Helper()
	digits := apiVersionNumber.FindStringSubmatch(r.apiVersion)
	if digits == nil {
		t.Fatalf("apiVersion %q: the CLI exits", r.apiVersion)
	}
	version, _ := strconv.Atoi(digits[1])
	kind, ok := c.kinds[r.kind][version]
	if !ok {
		t.Fatalf("the CLI knows no %s %s", r.kind, r.apiVersion)
	}
	parents := make([]string, len(kind.parents))
	for i, parent := range kind.parents {
		parents[i], _ = r.metadata[parent].(string)
	}
	query := url.Values{}
	for _, owner := range kind.owner {
		if value, ok := r.metadata[owner].(string); ok {
			query.Set(owner, value)
		}
	}
	return kind, kind.path(parents), query
}

// put applies one resource and returns upsertResult.
func (c *cli) put(t testing.TB, r cliResource, dryRun bool) (string, error) {
	t.Helper()
	_, path, query := c.place(t, r)
	if dryRun {
		query.Set("dryMode", "true")
	}
	got := c.send(t, http.MethodPut, path, query, "text/plain; charset=utf-8", r.raw)
	if err := cliError(got); err != nil {
		return "", err
	}
	var result struct{ UpsertResult string }
	got.json(t, &result)
	return result.UpsertResult, nil
}

// sorted brings resources into the order of the tags' numbers.
func (c *cli) sorted(resources []cliResource, backwards bool) []cliResource {
	order := func(r cliResource) int {
		version, _ := strconv.Atoi(apiVersionNumber.FindStringSubmatch(r.apiVersion)[1])
		return c.kinds[r.kind][version].order
	}
	resources = slices.Clone(resources)
	sort.SliceStable(resources, func(i, j int) bool {
		if backwards {
			i, j = j, i
		}
		return order(resources[i]) < order(resources[j])
	})
	return resources
}

// apply is `conduktor apply -f`; it returns the lines printed.
func (c *cli) apply(t testing.TB, file string, dryRun bool) []string {
	t.Helper()
	var lines []string
	for _, resource := range c.sorted(fromYAML(t, file), false) {
		result, err := c.put(t, resource, dryRun)
		line := fmt.Sprintf("%s/%s: %s", resource.kind, resource.name, result)
		if err != nil {
			line = fmt.Sprintf("Could not apply resource %s/%s: %s", resource.kind, resource.name, err)
		}
		lines = append(lines, line)
	}
	return lines
}

// delete is `conduktor delete -f`.
func (c *cli) delete(t testing.TB, file string, ignoreMissing bool) []string {
	t.Helper()
	var lines []string
	for _, resource := range c.sorted(fromYAML(t, file), true) {
		_, path, query := c.place(t, resource)
		got := c.send(t, http.MethodDelete, path+"/"+resource.name, query, "", nil)
		line := fmt.Sprintf("%s/%s: Deleted", resource.kind, resource.name)
		if err := cliError(got); err != nil {
			line = fmt.Sprintf("Could not delete resource %s/%s: %s", resource.kind, resource.name, err)
			if got.status == http.StatusNotFound && ignoreMissing {
				line = fmt.Sprintf("%s/%s: Not Found (ignored)", resource.kind, resource.name)
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// list is `conduktor get Kind --parent … --filter …`.
func (c *cli) list(t testing.TB, kind string, query url.Values, parents ...string) ([]cliResource, error) {
	t.Helper()
	got := c.send(t, http.MethodGet, c.latest(t, kind).path(parents), query, "", nil)
	if err := cliError(got); err != nil {
		return nil, fmt.Errorf("Error fetching resources: %w", err) //nolint:staticcheck // the CLI's text
	}
	var resources []cliResource
	got.json(t, &resources)
	if resources == nil {
		t.Fatalf("get %s: expected an array, got %s", kind, got.body)
	}
	return resources, nil
}

// names is `conduktor get Kind -o name`.
func (c *cli) names(t testing.TB, kind string, query url.Values, parents ...string) []string {
	t.Helper()
	resources, err := c.list(t, kind, query, parents...)
	if err != nil {
		t.Fatal(err)
	}
	list := make([]string, len(resources))
	for i, resource := range resources {
		list[i] = resource.name
		if resource.kind != kind {
			t.Errorf("get %s lists a %s", kind, resource.kind)
		}
	}
	return list
}

// describe is `conduktor get Kind name`.
func (c *cli) describe(t testing.TB, kind, name string, parents ...string) (cliResource, error) {
	t.Helper()
	got := c.send(t, http.MethodGet, c.latest(t, kind).path(parents)+"/"+name, nil, "", nil)
	if got.status >= http.StatusBadRequest {
		return cliResource{}, fmt.Errorf("error describing resources %s/%s, got status code: %d:\n %s", kind, name, got.status, got.body)
	}
	var resource cliResource
	got.json(t, &resource)
	return resource, nil
}

// all is `conduktor get all -o name`: every kind that needs nothing to be listed.
func (c *cli) all(t testing.TB) (list []string, failures []error) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(c.kinds)) {
		kind := c.latest(t, name)
		if len(kind.parents)+len(kind.owner) > 0 || kind.requiredFilter {
			continue
		}
		resources, err := c.list(t, name, nil)
		if err != nil {
			failures = append(failures, fmt.Errorf("Error fetching resource %s: %w", name, err)) //nolint:staticcheck // the CLI's text
			continue
		}
		for _, resource := range resources {
			list = append(list, resource.kind+"/"+resource.name)
		}
	}
	return list, failures
}

// differs says whether `conduktor apply --print-diff` would print a difference.
func (c *cli) differs(t testing.TB, r cliResource) (bool, error) {
	t.Helper()
	_, path, query := c.place(t, r)
	got := c.send(t, http.MethodGet, path, query, "", nil)
	if err := cliError(got); err != nil {
		return false, err
	}
	var present []cliResource
	got.json(t, &present)
	for _, one := range present {
		if one.name == r.name {
			return !reflect.DeepEqual(decoded(t, one.raw), decoded(t, r.raw)), nil
		}
	}
	return false, fmt.Errorf("could not find any matching resource")
}

// run is `conduktor run name` for operations without parameters and body.
func (c *cli) run(t testing.TB, name string) (string, error) {
	t.Helper()
	run, ok := c.runs[name]
	if !ok {
		t.Fatalf("the CLI knows no run %s", name)
	}
	got := c.send(t, run.method, run.path, nil, "", nil)
	return string(got.body), cliError(got)
}

// cliToken is what the CLI reads of a token in a list, or of a created one.
type cliToken struct{ ID, Name, CreatedAt, LastTimeUsed, Token string }

func (c *cli) tokens(t testing.TB, path string) ([]cliToken, error) {
	t.Helper()
	got := c.send(t, http.MethodGet, path, nil, "", nil)
	if err := cliError(got); err != nil {
		return nil, err
	}
	if bytes.Contains(got.body, []byte(`"token"`)) {
		t.Errorf("the list shows the value of a token: %s", got.body)
	}
	var tokens []cliToken
	got.json(t, &tokens)
	return tokens, nil
}

func (c *cli) createToken(t testing.TB, path, name string) (string, error) {
	t.Helper()
	got := c.post(t, path, map[string]string{"name": name})
	var created cliToken
	if err := cliError(got); err != nil {
		return "", err
	}
	got.json(t, &created)
	return created.Token, nil
}

func (c *cli) deleteToken(t testing.TB, id string) error {
	t.Helper()
	return cliError(c.send(t, http.MethodDelete, "/token/v1/"+id, nil, "", nil))
}

func decoded(t testing.TB, data []byte) any {
	t.Helper()
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return value
}

// worldOf is everything that the world holds, as text to compare.
func worldOf(t testing.TB, running *server.Server) string {
	t.Helper()
	encoded, err := json.MarshalIndent(running.Pair().Export(t.Context()), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// unchanged fails the test if something of the world is another than before.
func unchanged(t testing.TB, running *server.Server, before string) {
	t.Helper()
	if after := worldOf(t, running); after != before {
		t.Errorf("the world has changed:\n%s", whereDifferent(before, after))
	}
}

func whereDifferent(before, after string) string {
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d before: %s\nline %d after:  %s", i, a[i], i, b[i])
		}
	}
	return fmt.Sprintf("%d lines before, %d after", len(a), len(b))
}

func equal(t testing.TB, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %s\nwant %s", what, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

// contains fails the test unless the error is there and says all of it.
func contains(t testing.TB, what string, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: expected a refusal", what)
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%s: expected %q in: %v", what, text, err)
		}
	}
}
