package server_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

const catalogPath = "/public/self-serve/v1/catalog"

// applyTo puts a resource of any kind into the world, as a seed would.
func applyTo(t *testing.T, w *v1World, object map[string]any) {
	t.Helper()
	encoded, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := store.DecodeObject(encoded)
	if err != nil {
		t.Fatal(err)
	}
	pair := w.running.Pair()
	kind, err := pair.Engine.Kind(object["apiVersion"].(string), object["kind"].(string))
	if err != nil {
		t.Fatal(err)
	}
	if err := pair.Engine.Validate(kind, decoded); err != nil {
		t.Fatal(err)
	}
	err = pair.World.Update(func(tx *store.Tx) error {
		_, _, err := pair.Engine.Apply(tx, kinds.Request{Kind: kind, Object: decoded})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// catalogPage is an answer, with the topics as "cluster/name".
type catalogPage struct {
	Kind                                string
	Page, PerPage, TotalPages, Elements int
	TotalElements                       int
	Data                                []struct {
		Kind     string
		Metadata struct{ Name, Cluster string }
	}
}

func (p catalogPage) names() string {
	var names []string
	for _, topic := range p.Data {
		names = append(names, topic.Metadata.Cluster+"/"+topic.Metadata.Name)
	}
	return strings.Join(names, " ")
}

func TestCatalog(t *testing.T) {
	w := startFamilies(t)
	get := func(who, query string) catalogPage {
		t.Helper()
		var page catalogPage
		w.ok(who, http.MethodGet, catalogPath+query, nil, nil, http.StatusOK, &page)
		return page
	}
	// shop.paid of dev is private by its instance, shop.shops public by itself,
	// mail.sent private by itself, the others belong to nobody.
	const all = "dev/mail.bounced gw/shop.paid dev/shop.shops"
	for _, who := range []string{famKey, famRoot, famEngineer, famNobody, famInstance} {
		page := get(who, "")
		if page.names() != all || page.Kind != "DataCatalogList" || page.Page != 1 || page.PerPage != 50 || page.TotalPages != 1 || page.TotalElements != 3 {
			t.Errorf("the catalog of %s is %+v", who, page)
		}
	}
	for query, want := range map[string]string{
		"?sort=asc": all, "?sort=desc": "dev/shop.shops gw/shop.paid dev/mail.bounced",
		"?itemsPerPage=2": "dev/mail.bounced gw/shop.paid", "?itemsPerPage=2&page=2": "dev/shop.shops",
		"?page=3&itemsPerPage=2": "", "?page=2147483647&itemsPerPage=10000": "",
	} {
		page := get(famNobody, query)
		if page.names() != want || page.TotalElements != 3 {
			t.Errorf("catalog%s is %+v, want %s", query, page, want)
		}
	}
	topic := w.kind("/public/kafka/v2/cluster/{cluster}/topic/{topic-name}", "dev", "shop.shops")
	var whole struct{ Data []map[string]any }
	w.ok(famNobody, http.MethodGet, catalogPath+"?page=3&itemsPerPage=1", nil, nil, http.StatusOK, &whole)
	encoded, err := json.Marshal(topic)
	if err != nil {
		t.Fatal(err)
	}
	w.same("topic in the catalog", whole.Data[0], string(encoded))
	if labels := famObject(famObject(topic["metadata"])["labels"]); labels["conduktor.io/application"] != "shop" {
		t.Errorf("labels are %v", labels)
	}
	// The instance turns public: its topics follow.
	instance := w.kind("/public/self-serve/v1/application-instance/{application-instance-name}", "shop-dev")
	delete(famObject(instance["spec"]), "defaultCatalogVisibility")
	var result map[string]any
	w.ok(famKey, http.MethodPut, "/public/self-serve/v1/application-instance", nil, instance, http.StatusOK, &result)
	if names := get(famNobody, "").names(); names != "dev/mail.bounced dev/shop.paid gw/shop.paid dev/shop.shops" {
		t.Errorf("with a public instance the catalog is %s", names)
	}
}

func famObject(value any) map[string]any {
	fields, _ := value.(map[string]any)
	return fields
}

func TestCatalogRefused(t *testing.T) {
	w := startFamilies(t)
	w.refused(famNone, http.MethodGet, catalogPath, nil, nil, http.StatusUnauthorized, "")
	for query, says := range map[string]string{"?page=0": "at least 1", "?itemsPerPage=0": "at least 1", "?page=-1": "at least 1", "?page=x": "page",
		"?sort=up": "sort", "?itemsPerPage=1.5": "itemsPerPage", "?page=99999999999": "page"} {
		w.refused(famNobody, http.MethodGet, catalogPath+query, nil, nil, http.StatusBadRequest, says)
	}
}
