package idp

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/labstack/echo/v4"
)

//go:embed pages
var pageFiles embed.FS

// pageSet is everything that pages are made of; parsed at the first page, so
// that a start does not pay for it.
type pageSet struct {
	templates *template.Template
	style     template.CSS
	// policy for pages, policyOfPost for the one that sends itself off.
	policy, policyOfPost string
}

var pages = sync.OnceValue(func() *pageSet {
	read := func(name string) string {
		b, err := pageFiles.ReadFile("pages/" + name)
		if err != nil {
			panic("idp: embedded page: " + err.Error())
		}
		return string(b)
	}
	hash := func(s string) string {
		d := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(d[:]) + "'"
	}
	style := read("style.css")
	// No form-action: browsers hold redirects after a form to it as well, and
	// these lead to the clients.
	policy := "default-src 'none'; style-src " + hash(style) + "; base-uri 'none'; frame-ancestors 'none'"
	return &pageSet{
		templates:    template.Must(template.ParseFS(pageFiles, "pages/*.html")),
		style:        template.CSS(style),
		policy:       policy,
		policyOfPost: "default-src 'none'; style-src " + hash(style) + "; script-src " + hash(submitScript) + "; base-uri 'none'",
	}
})

// submitScript saves the click on a page that works without it.
const submitScript = "document.forms[0].submit()"

// show renders one page.
func (p *Provider) show(c echo.Context, status int, name, policy string, data any) error {
	var b bytes.Buffer
	if err := pages().templates.ExecuteTemplate(&b, name, data); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	noStore(c)
	header := c.Response().Header()
	header.Set("Content-Security-Policy", policy)
	header.Set("Referrer-Policy", "no-referrer")
	return c.HTMLBlob(status, b.Bytes())
}

// common is what every page shows.
type common struct {
	Title  string
	Style  template.CSS
	Issuer string
}

func (p *Provider) common(title string) common {
	return common{Title: title, Style: pages().style, Issuer: p.config.Issuer}
}

// personView is a person as the page lists them.
type personView struct {
	Login, Name, Initials string
	Details               string
	Disabled              bool
	Hinted, Current       bool
	Focus                 bool
}

type signInView struct {
	common
	Action    string
	Request   string
	Token     string
	Client    string
	ClientID  string
	Scopes    []string
	AnyClient bool
	// UserCode is set where a device waits for the sign-in.
	UserCode string
	Alert    string
	Current  *personView
	Continue bool
	OneClick bool
	People   []personView
	// Total of all people, Found of those that the filter leaves.
	Total, Found int
	FilterForm   bool
	Filter       string
	Login        string
	// Editable: claims may be changed for this sign-in; EditClaims and
	// EditGroups are what was typed.
	Editable               bool
	EditClaims, EditGroups string
	// FocusLogin, FocusPassword: where the keyboard starts if not at a person.
	FocusLogin, FocusPassword bool
}

// The list of people is filtered by hand above manyPeople, and never longer
// than maxPeople.
const (
	manyPeople = 8
	maxPeople  = 50
)

func (p *Provider) signInPage(c echo.Context, status int, v *visit) error {
	ctx := c.Request().Context()
	title := "Sign in"
	if v.alert != "" {
		title = "Error: " + title
		setReason(c, v.alert)
	}
	view := signInView{
		common:    p.common(title),
		Action:    p.path + p.config.Paths.SignIn,
		Request:   v.id,
		Token:     v.token,
		Client:    v.request.client.Name,
		ClientID:  v.request.client.ID,
		Scopes:    v.request.scope,
		AnyClient: v.request.client.anyone,
		Alert:     v.alert,
		OneClick:  !p.config.RequirePassword,
		Filter:    v.filter,
		Login:     v.login,
		Editable:  p.editable(), EditClaims: v.editClaims, EditGroups: v.editGroups,
	}
	if v.device != nil {
		view.Action, view.UserCode = p.path+p.config.Paths.Device, shownCode(v.device.UserCode)
	}
	if v.current != nil {
		current := viewOf(v.person)
		view.Current, view.Continue = &current, p.mayContinue(v)
	}
	if view.Login == "" {
		view.Login = v.request.loginHint
	}
	if view.OneClick {
		people, err := p.config.Storage.People(ctx)
		if err != nil {
			return err
		}
		p.listPeople(&view, people, v)
	}
	switch {
	case v.login != "" && v.edit == nil && v.editClaims+v.editGroups == "":
		view.FocusPassword = true
	case len(view.People) > 0 && v.filter == "":
		view.People[0].Focus = view.People[0].Hinted
	case !view.OneClick:
		view.FocusLogin, view.FocusPassword = view.Login == "", view.Login != ""
	}
	return p.show(c, status, "signin.html", pages().policy, view)
}

// listPeople puts the hinted person first and leaves the others as they are.
func (p *Provider) listPeople(view *signInView, people []*Person, v *visit) {
	view.Total = len(people)
	view.FilterForm = len(people) > manyPeople
	wanted := strings.ToLower(v.filter)
	var hinted *personView
	for _, one := range people {
		isHinted := v.request.loginHint != "" && one.isCalled(v.request.loginHint) || v.request.hintedSub == p.subject(one, v.request.client, inID)
		if !isHinted && !one.matchesFilter(wanted) {
			continue
		}
		view.Found++
		shown := viewOf(one)
		shown.Current = v.person != nil && v.person.Login == one.Login
		if isHinted && hinted == nil {
			shown.Hinted = true
			hinted = &shown
		} else if len(view.People) < maxPeople {
			view.People = append(view.People, shown)
		}
	}
	if hinted != nil {
		view.People = append([]personView{*hinted}, view.People...)
	}
}

func (p *Person) matchesFilter(lower string) bool {
	if lower == "" {
		return true
	}
	for _, s := range [...]string{p.Login, p.Name, p.Email} {
		if strings.Contains(strings.ToLower(s), lower) {
			return true
		}
	}
	for _, g := range p.Groups {
		if strings.Contains(strings.ToLower(g), lower) {
			return true
		}
	}
	return false
}

// shownGroups is how many groups of a person the page names.
const shownGroups = 6

func viewOf(p *Person) personView {
	groups := "no groups"
	if n := len(p.Groups); n > shownGroups {
		groups = fmt.Sprintf("%s and %d more", strings.Join(p.Groups[:shownGroups], ", "), n-shownGroups)
	} else if n > 0 {
		groups = strings.Join(p.Groups, ", ")
	}
	email := p.Email
	if email == "" {
		email = "no e-mail"
	}
	return personView{Login: p.Login, Name: p.Name, Initials: initials(p.Name), Details: email + " · " + groups, Disabled: p.Disabled}
}

func initials(name string) string {
	var b strings.Builder
	words := strings.Fields(name)
	if len(words) > 2 {
		words = []string{words[0], words[len(words)-1]}
	}
	for _, w := range words {
		r, _ := utf8.DecodeRuneInString(w)
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}

// errorPage shows a refusal that stays here.
func (p *Provider) errorPage(c echo.Context, e *pageError) error {
	status := e.status
	if status == 0 {
		status = http.StatusBadRequest
	}
	return p.show(c, status, "error.html", pages().policy, struct {
		common
		Says, Remedy, Code string
		Facts              []fact
	}{p.common(e.title), e.says, e.remedy, e.code, e.facts})
}

// formPost is OAuth 2.0 Form Post Response Mode, with a button for browsers
// without scripts. It may be framed: silent renewal answers so too.
func (p *Provider) formPost(c echo.Context, uri string, pairs []pair) error {
	return p.show(c, http.StatusOK, "formpost.html", pages().policyOfPost, struct {
		common
		Action template.URL
		Fields []pair
		Script template.JS
	}{p.common("Back to the application"), template.URL(uri), pairs, submitScript})
}

// confirmPage asks whether to sign out.
func (p *Provider) confirmPage(c echo.Context, bye *farewell, person *Person, q params, token string) error {
	fields := []pair{{"token", token}}
	for _, name := range [...]string{"id_token_hint", "client_id", "post_logout_redirect_uri", "state"} {
		if value := q.get(name); value != "" {
			fields = append(fields, pair{name, value})
		}
	}
	client := ""
	if bye.client != nil {
		client = bye.client.Name
	}
	return p.show(c, http.StatusOK, "confirm.html", pages().policy, struct {
		common
		Action         string
		Fields         []pair
		Client, Person string
		HintFault      string
	}{p.common("Sign out?"), p.path + p.config.Paths.Logout, fields, client, person.Name, bye.hintFault})
}

// farewellPage is where a logout ends that has nowhere to return to, or clients
// to tell in the browser before. It then goes on by itself, script or not.
func (p *Provider) farewellPage(c echo.Context, to string, frames []string) error {
	policy := pages().policy
	sources := make([]string, 0, len(frames))
	for _, frame := range frames {
		if u, err := url.Parse(frame); err == nil {
			sources = append(sources, u.Scheme+"://"+u.Host)
		}
	}
	if len(sources) > 0 {
		policy += "; frame-src " + strings.Join(sources, " ")
	}
	if to != "" {
		c.Response().Header().Set("Refresh", "2; url="+to)
	}
	return p.show(c, http.StatusOK, "farewell.html", policy, struct {
		common
		// To is registered, so it may be of an app's own scheme.
		To     template.URL
		Frames []string
	}{p.common("You are signed out"), template.URL(to), frames})
}
