package idp

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// How long a device may wait and how often it may ask (RFC 8628, section 3.2).
const (
	deviceLifetime = 10 * time.Minute
	deviceInterval = 5 * time.Second
	// slowDown is added to the interval of a device that asks too often
	// (section 3.5).
	slowDown = 5 * time.Second
)

// codeLetters are the consonants of section 6.1: no word comes of them, and
// none of them looks like another or like a digit.
const codeLetters = "BCDFGHJKLMNPQRSTVWXZ"

const codeLength = 8

// deviceRequest is a device that waits for a person (RFC 8628, section 3.1).
type deviceRequest struct {
	ID       string
	UserCode string // without the hyphen
	ClientID string
	Scope    scopeList
	Audience []string
	Expires  time.Time
	State    deviceState
	// Polled is when the device asked last; zero: not yet.
	Polled   time.Time
	Interval time.Duration
	// Of the sign-in that allowed it.
	Login, SID, ACR string
	AuthTime        time.Time
	Edit            map[string]any
}

type deviceState int

const (
	deviceWaits deviceState = iota
	deviceAllowed
	deviceRefused
	deviceServed
)

func (p *Provider) servesDevices() bool {
	return p.config.Paths.Device != "" && p.config.Paths.DeviceAuthorization != ""
}

// authorizeDevice is the device authorization endpoint (sections 3.1 and 3.2).
func (p *Provider) authorizeDevice(c echo.Context) error {
	q, err := p.form(c)
	if err == nil {
		err = q.once()
	}
	if err != nil {
		return err
	}
	client, err := p.authenticate(c, q)
	if err != nil {
		return err
	}
	if !client.grants(GrantDeviceCode) {
		return refuse(errUnauthorizedClient, "the client '"+client.ID+"' may not use "+GrantDeviceCode+"; its grant_types are "+strings.Join(client.GrantTypes, ", "))
	}
	d := &deviceRequest{ClientID: client.ID, Expires: p.now().Add(deviceLifetime), Interval: deviceInterval}
	if d.Scope, err = scopeFor(client, q.get("scope"), true); err != nil {
		return err
	}
	if d.Audience, err = audienceFor(client, q, nil); err != nil {
		return err
	}
	err = p.config.Storage.Update(c.Request().Context(), func(tx Tx) error { return p.openDevice(tx, d) })
	if err != nil {
		return fmt.Errorf("opening a device authorization: %w", err)
	}
	page, code := p.base+p.config.Paths.Device, shownCode(d.UserCode)
	noStore(c)
	return c.JSON(http.StatusOK, struct {
		DeviceCode string `json:"device_code"`
		UserCode   string `json:"user_code"`
		URI        string `json:"verification_uri"`
		Complete   string `json:"verification_uri_complete"`
		ExpiresIn  int64  `json:"expires_in"`
		Interval   int64  `json:"interval"`
	}{p.handle(purposeDevice, d.ID, 0), code, page, page + "?user_code=" + code, int64(deviceLifetime / time.Second), int64(deviceInterval / time.Second)})
}

// openDevice keeps a new request under a user code that no other one has.
func (p *Provider) openDevice(tx Tx, d *deviceRequest) error {
	for {
		id, err := p.newID(tx, d.ClientID)
		if err != nil {
			return err
		}
		d.ID, d.UserCode = id, p.userCode(id)
		record, err := tx.Record(kindUserCode, d.UserCode)
		if _, err = valueOf[string](record, err, p.now()); errors.Is(err, ErrNotFound) {
			break
		}
		if err != nil {
			return err
		}
	}
	if err := tx.Put(Record{Kind: kindUserCode, ID: d.UserCode, Expires: d.Expires, Value: d.ID}); err != nil {
		return err
	}
	return putDevice(tx, d)
}

// putDevice keeps a request for as long again as it may wait, so that a device
// learns that it has waited for too long.
func putDevice(tx Tx, d *deviceRequest) error {
	return tx.Put(Record{Kind: kindDevice, ID: d.ID, Expires: d.Expires.Add(deviceLifetime), Value: d})
}

// userCode derives the code from the id by a MAC: 34 bits that nobody can guess
// from what else is seen of the request.
func (p *Provider) userCode(id string) string {
	var b strings.Builder
	for _, x := range p.mac("usercode", []byte(id))[:codeLength] {
		// 256 is no multiple of 20: some letters come a little more often,
		// which costs less than a tenth of a bit.
		b.WriteByte(codeLetters[int(x)%len(codeLetters)])
	}
	return b.String()
}

func shownCode(code string) string { return code[:codeLength/2] + "-" + code[codeLength/2:] }

// typedCode reads a code as people type it (section 6.1): in any case, with
// whatever between. Empty: it cannot be one.
func typedCode(s string) string {
	if len(s) > 64 {
		return ""
	}
	code := strings.Map(func(r rune) rune {
		if strings.ContainsRune(codeLetters, r) {
			return r
		}
		return -1
	}, strings.ToUpper(s))
	if len(code) != codeLength {
		return ""
	}
	return code
}

// device is the page (section 3.3): the code is typed or comes along in the
// address, then the person is chosen as on the sign-in page.
func (p *Provider) device(c echo.Context) error {
	noStore(c)
	q, err := p.queryOrForm(c)
	if err == nil {
		err = q.once()
	}
	if err != nil {
		return err
	}
	typed := q.get("user_code")
	if typed == "" {
		typed = q.get("request")
	}
	if typed == "" {
		return p.devicePage(c, http.StatusOK, deviceView{})
	}
	d, err := p.waitingDevice(c.Request().Context(), typedCode(typed))
	if errors.Is(err, ErrNotFound) {
		return p.devicePage(c, http.StatusNotFound, deviceView{UserCode: shorten(typed, 60), Alert: "No device waits with this code. Look at the device again: it may show a new one."})
	}
	if err != nil {
		return err
	}
	client, err := p.client(c.Request().Context(), d.ClientID)
	if errors.Is(err, ErrNotFound) {
		return p.unknownClient(c.Request().Context(), d.ClientID)
	}
	if err != nil {
		return err
	}
	browser, err := p.keptBrowser(c)
	if err != nil {
		return err
	}
	v := &visit{
		id: shownCode(d.UserCode), token: p.formToken("device\x00"+d.ID, browser), device: d,
		request: &authorization{client: client, scope: d.Scope, maxAge: -1},
	}
	if v.current, v.person, err = p.sessionOf(c); err != nil {
		return err
	}
	if c.Request().Method != http.MethodPost {
		v.filter = strings.TrimSpace(q.get("filter"))
		return p.signInPage(c, http.StatusOK, v)
	}
	if !sameToken(v.token, q.get("token")) {
		return errForeignForm
	}
	return p.pressed(c, q, v)
}

// keptBrowser gives the value of the cookie that forms are bound to, and sets
// it if there is none.
func (p *Provider) keptBrowser(c echo.Context) (string, error) {
	if browser := p.browser(c); browser != "" {
		return browser, nil
	}
	var browser string
	err := p.config.Storage.Update(c.Request().Context(), func(tx Tx) (err error) {
		browser, err = p.newID(tx)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("naming a browser: %w", err)
	}
	// The id may show elsewhere; the cookie must not be guessed from it.
	browser = hex.EncodeToString(p.mac("browser", []byte(browser))[:idBytes])
	c.SetCookie(p.cookie(p.browserCookie(), browser))
	return browser, nil
}

// waitingDevice finds the request of a user code that waits for a person.
func (p *Provider) waitingDevice(ctx context.Context, code string) (*deviceRequest, error) {
	record, err := p.config.Storage.Record(ctx, kindUserCode, code)
	id, err := valueOf[string](record, err, p.now())
	if err != nil {
		return nil, err
	}
	record, err = p.config.Storage.Record(ctx, kindDevice, id)
	d, err := valueOf[*deviceRequest](record, err, p.now())
	if err != nil {
		return nil, err
	}
	if d.State != deviceWaits || !p.now().Before(d.Expires) {
		return nil, ErrNotFound
	}
	return d, nil
}

// answered puts a person's answer in place of the waiting request. The code is
// of no more use.
func (p *Provider) answered(tx Tx, d *deviceRequest, change func(*deviceRequest)) error {
	record, err := tx.Record(kindDevice, d.ID)
	now, err := valueOf[*deviceRequest](record, err, p.now())
	if err == nil && now.State != deviceWaits {
		err = ErrNotFound
	}
	if errors.Is(err, ErrNotFound) {
		return &pageError{
			title: "This code is used up", says: "The device that showed it has been answered already, or has waited for too long.",
			remedy: "Begin again on the device.",
		}
	}
	if err != nil {
		return err
	}
	after := *now
	change(&after)
	if err := tx.Delete(kindUserCode, d.UserCode); err != nil {
		return err
	}
	return putDevice(tx, &after)
}

// allowDevice lets the device have tokens for the person of the session.
func (p *Provider) allowDevice(tx Tx, d *deviceRequest, request *authorization, in *session) error {
	if err := p.noteClient(tx, in.SID, request.client); err != nil {
		return err
	}
	return p.answered(tx, d, func(d *deviceRequest) {
		d.State, d.Login, d.SID, d.ACR, d.AuthTime = deviceAllowed, in.Login, in.SID, in.ACR, in.AuthTime
		d.Edit = in.Edit
	})
}

// connectDevice allows the device for who is signed in already.
func (p *Provider) connectDevice(c echo.Context, v *visit) error {
	err := p.config.Storage.Update(c.Request().Context(), func(tx Tx) error { return p.allowDevice(tx, v.device, v.request, v.current) })
	if err != nil {
		return fmt.Errorf("allowing a device: %w", err)
	}
	return p.devicePage(c, http.StatusOK, deviceView{Done: true, Client: v.request.client.Name})
}

func (p *Provider) refuseDevice(c echo.Context, v *visit) error {
	err := p.config.Storage.Update(c.Request().Context(), func(tx Tx) error {
		return p.answered(tx, v.device, func(d *deviceRequest) { d.State = deviceRefused })
	})
	if err != nil {
		return fmt.Errorf("refusing a device: %w", err)
	}
	return p.devicePage(c, http.StatusOK, deviceView{Refused: true, Client: v.request.client.Name})
}

// deviceView is the page without a person to choose: the form for the code, and
// the two ends.
type deviceView struct {
	common
	Action, UserCode, Alert, Client string
	Done, Refused                   bool
}

func (p *Provider) devicePage(c echo.Context, status int, view deviceView) error {
	title := "Sign in on a device"
	switch {
	case view.Done:
		title = "Your device is signed in"
	case view.Refused:
		title = "Your device is not signed in"
	case view.Alert != "":
		title = "Error: " + title
		setReason(c, view.Alert)
	}
	view.common, view.Action = p.common(title), p.path+p.config.Paths.Device
	return p.show(c, status, "device.html", pages().policy, view)
}
