package idp

import (
	"context"
	"errors"
	"fmt"
)

// byDeviceCode is the grant device_code (RFC 8628, sections 3.4 and 3.5), by
// the provider's clock: a device that asks before its interval is over must
// slow down.
func (p *Provider) byDeviceCode(ctx context.Context, client *Client, q params) (*Tokens, error) {
	code := q.get("device_code")
	if code == "" {
		return nil, refuse(errInvalidRequest, "device_code is missing")
	}
	id, _, ok := p.open(purposeDevice, code)
	if !ok {
		return nil, refuse(errInvalidGrant, "the device_code was never given out by this issuer")
	}
	var served *deviceRequest
	var refused error
	err := p.config.Storage.Update(ctx, func(tx Tx) (err error) {
		// An error would undo what is noted of the poll, so refusals go beside.
		served, refused, err = p.poll(tx, client, id)
		return err
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return nil, fmt.Errorf("asking for a device: %w", err)
	}
	person, err := p.config.Storage.Person(ctx, served.Login)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, refuse(errInvalidGrant, "the person '"+served.Login+"' is not there any more")
	case err != nil:
		return nil, err
	case person.Disabled:
		return nil, refuse(errInvalidGrant, "the person '"+served.Login+"' is disabled")
	}
	if person, err = edited(person, served.Edit); err != nil {
		return nil, err
	}
	in := issuance{
		client: client, person: person, scope: served.Scope, audience: client.orDefaultAudience(served.Audience),
		sid: served.SID, authTime: served.AuthTime, acr: served.ACR, jkt: q.jkt,
	}
	err = p.config.Storage.Update(ctx, func(tx Tx) error {
		g := &grant{
			ID: id, ClientID: client.ID, Login: person.Login, Scope: served.Scope, Audience: served.Audience,
			SID: served.SID, AuthTime: served.AuthTime, Redeemed: true, Edit: served.Edit, ACR: served.ACR, JKT: client.refreshKey(q.jkt),
		}
		expires := p.now().Add(p.accessLifetime(client))
		if p.givesRefresh(client, served.Scope) {
			g.Refresh = 1
			in.refresh = p.handle(purposeRefresh, id, g.Refresh)
			expires = p.now().Add(max(p.refreshLifetime(client), p.accessLifetime(client)))
		}
		in.id = tokenID(id, g.Refresh)
		return putGrant(tx, g, expires)
	})
	if err != nil {
		return nil, fmt.Errorf("granting to a device: %w", err)
	}
	return p.issue(ctx, in)
}

// poll is one question of a device. It gives the request once, when a person
// has allowed it; otherwise what to tell the device.
func (p *Provider) poll(tx Tx, client *Client, id string) (served *deviceRequest, refused, err error) {
	record, err := tx.Record(kindDevice, id)
	d, err := valueOf[*deviceRequest](record, err, p.now())
	if errors.Is(err, ErrNotFound) {
		return nil, refuse(errExpiredToken, "the device_code expired long ago; begin again"), nil
	}
	if err != nil {
		return nil, nil, err
	}
	now := p.now()
	switch {
	case d.ClientID != client.ID:
		return nil, refuse(errInvalidGrant, "the device_code was given to another client"), nil
	case d.State == deviceServed:
		return nil, refuse(errInvalidGrant, "the device_code was used before"), nil
	case d.State == deviceRefused:
		return nil, refuse(errAccessDenied, "the person refused"), nil
	case !now.Before(d.Expires):
		return nil, refuse(errExpiredToken, "the device_code expired after "+deviceLifetime.String()+"; begin again"), nil
	}
	after := *d
	after.Polled = now
	switch {
	case d.State == deviceAllowed:
		after.State = deviceServed
		served = &after
	case !d.Polled.IsZero() && now.Sub(d.Polled) < d.Interval:
		after.Interval += slowDown
		refused = refuse(errSlowDown, "ask again in "+after.Interval.String()+" at the earliest, from now on each time")
	default:
		refused = refuse(errAuthorizationPending, "nobody has answered yet; ask again in "+d.Interval.String())
	}
	return served, refused, putDevice(tx, &after)
}
