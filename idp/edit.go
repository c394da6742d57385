package idp

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// maxEdit bounds the claims that may be typed at the sign-in page, in bytes.
const maxEdit = 16 << 10

// editable tells whether people may change their claims for one sign-in.
func (p *Provider) editable() bool {
	return p.config.EditableClaims == nil || *p.config.EditableClaims
}

// readEdit reads what was typed at the sign-in page: a JSON object of claims,
// and groups with commas between. Nil: nothing. The error is for the page.
func (p *Provider) readEdit(claims, groups string) (map[string]any, error) {
	claims, groups = strings.TrimSpace(claims), strings.TrimSpace(groups)
	if !p.editable() || claims == "" && groups == "" {
		return nil, nil
	}
	edit := map[string]any{}
	if claims != "" {
		if len(claims) > maxEdit {
			return nil, fmt.Errorf("the claims are longer than %d KiB", maxEdit>>10)
		}
		decoder := json.NewDecoder(strings.NewReader(claims))
		decoder.UseNumber()
		if err := decoder.Decode(&edit); err != nil || edit == nil {
			return nil, errors.New(`the claims must be a JSON object, such as {"department": "sales"}` + faultOf(err))
		}
		if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
			return nil, errors.New("there is something behind the JSON object of the claims")
		}
		for _, name := range sortedKeys(edit) {
			if p.profile.isFixed(name) {
				return nil, fmt.Errorf("the claim %s is set by the provider itself and cannot be changed", shorten(name, 60))
			}
		}
	}
	if groups != "" {
		edit[claimGroups] = splitGroups(groups)
	}
	if _, err := edited(&Person{}, edit); err != nil {
		return nil, err
	}
	return edit, nil
}

func faultOf(err error) string {
	if err == nil {
		return ""
	}
	return ": " + shorten(err.Error(), 120)
}

func splitGroups(s string) []any {
	list := []any{}
	for name := range strings.SplitSeq(s, ",") {
		if name = strings.TrimSpace(name); name != "" && !slices.Contains(list, any(name)) {
			list = append(list, name)
		}
	}
	return list
}

// edited is the person as changed for one sign-in. What a document names in the
// same way changes that, so that it takes the vendor's shape like the original;
// everything else is an extra claim.
func edited(p *Person, edit map[string]any) (*Person, error) {
	if len(edit) == 0 {
		return p, nil
	}
	changed := *p
	changed.Claims = maps.Clone(p.Claims)
	if changed.Claims == nil {
		changed.Claims = map[string]any{}
	}
	texts := map[string]*string{
		"email": &changed.Email, "name": &changed.Name, "given_name": &changed.GivenName,
		"family_name": &changed.FamilyName, "picture": &changed.Picture,
	}
	for name, value := range edit {
		// What the document's own extra claims say of it no longer counts.
		field, isText := texts[name]
		text, given := value.(string)
		switch {
		case isText && given:
			*field = text
		case isText && value != nil:
			return nil, fmt.Errorf("the claim %s must be a text", name)
		case name == claimGroups && value != nil:
			groups, ok := textList(value)
			if !ok {
				return nil, errors.New(`the groups must be a list of texts, such as ["platform", "ops"]`)
			}
			changed.Groups = groups
		default:
			if verified, ok := value.(bool); ok && name == "email_verified" {
				changed.EmailVerified = verified
				break
			}
			changed.Claims[name] = value
			continue
		}
		delete(changed.Claims, name)
	}
	return &changed, nil
}

func textList(value any) ([]string, bool) {
	items, ok := value.([]any)
	if !ok {
		return nil, false
	}
	list := make([]string, 0, len(items))
	for _, item := range items {
		text, ok := item.(string)
		if !ok {
			return nil, false
		}
		list = append(list, text)
	}
	return list, true
}

// sentence is an error's text as a page shows it.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
