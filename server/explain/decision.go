package explain

import (
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/console"
)

type shownDecision struct {
	Needs string   `json:"needs"`
	Held  bool     `json:"held"`
	By    []string `json:"by"` // the grant that decided, or what else did
	// Considered are the caller's grants about the same type of resource.
	Considered []shownGrant `json:"considered"`
	// GrantedBy are those who would give it to their members, whoever they are.
	GrantedBy []shownSource `json:"granted_by"`
}

type shownGrant struct {
	Grant string `json:"grant"`
	// Lacks says why it does not suffice; "" where it does.
	Lacks  string      `json:"lacks,omitempty"`
	Source shownSource `json:"source"`
}

type shownSource struct {
	Kind     rbac.SourceKind `json:"kind"`
	Name     string          `json:"name,omitempty"`
	Via      string          `json:"via,omitempty"`
	Instance string          `json:"application_instance,omitempty"`
}

// maxShown bounds the lists of an explanation.
const maxShown = 100

func showDecision(d console.Decision) shownDecision {
	shown := shownDecision{Needs: d.Need, Held: d.Held, By: []string{}, GrantedBy: []shownSource{}}
	for _, ground := range d.By {
		if ground.Grant != nil {
			shown.By = append(shown.By, ground.Grant.String())
			continue
		}
		shown.By = append(shown.By, ground.Text)
	}
	shown.Considered = showConsidered(d.Considered)
	for _, one := range d.Grantors {
		if len(shown.GrantedBy) < maxShown {
			shown.GrantedBy = append(shown.GrantedBy, showSource(one))
		}
	}
	return shown
}

func showConsidered(list []console.Considered) []shownGrant {
	shown := make([]shownGrant, len(list))
	for i, one := range list {
		shown[i] = shownGrant{one.Grant.String(), one.Lacks, showSource(one.Grant.Source)}
	}
	return shown
}

func showSource(s rbac.Source) shownSource {
	return shownSource{Kind: s.Kind, Name: s.Name, Via: s.Via, Instance: s.Instance}
}

// shownList is what a list leaves before the filters of the query or the body.
type shownList struct {
	Kind    string   `json:"kind"`
	Parents []string `json:"parents"`
	// Needs is what makes a resource visible; where each is asked about, that of
	// the first that is not.
	Needs string `json:"needs,omitempty"`
	// Considered are the caller's grants about that type of resource.
	Considered []shownGrant `json:"considered"`
	// All, Prefixes and Literals are the names that the caller's grants cover;
	// absent where each resource is asked about.
	All      *bool    `json:"all,omitempty"`
	Prefixes []string `json:"prefixes,omitempty"`
	Literals []string `json:"literals,omitempty"`
	Visible  int      `json:"visible"`
	Total    int      `json:"total"`
	// Truncated: there are more prefixes or literals than shown.
	Truncated bool `json:"truncated,omitempty"`
}

func showList(l console.Listing) shownList {
	shown := shownList{Kind: l.Kind, Parents: append([]string{}, l.Parents...), Visible: l.Visible, Total: l.Total,
		Needs: l.Need, Considered: showConsidered(l.Considered)}
	if l.Spans != nil {
		all := l.Spans.All
		shown.All = &all
		shown.Prefixes, shown.Literals = firstFew(l.Spans.Prefixes), firstFew(l.Spans.Literals)
		shown.Truncated = len(l.Spans.Prefixes) > maxShown || len(l.Spans.Literals) > maxShown
	}
	return shown
}

func firstFew(names []string) []string { return names[:min(len(names), maxShown)] }
