package console

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/mockduktor/mockduktor/openapi"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

const (
	interceptorsPath = "/public/v1/clusters/{clusterName}/interceptors"
	pluginsPath      = "/public/v1/clusters/{clusterName}/plugins"
)

func (r *router) interceptors() {
	r.secured(http.MethodGet, interceptorsPath, listInterceptors)
	r.secured(http.MethodPost, interceptorsPath, createInterceptor)
	r.secured(http.MethodPut, interceptorsPath+"/{interceptorName}", replaceInterceptor)
	r.secured(http.MethodDelete, interceptorsPath+"/{interceptorName}", deleteInterceptor)
	r.secured(http.MethodGet, pluginsPath, listPlugins)
	r.secured(http.MethodGet, pluginsPath+"/{pluginId}", getPlugin)
}

type interceptorShown struct {
	Name        string          `json:"name"`
	PluginClass string          `json:"pluginClass"`
	Priority    int32           `json:"priority"`
	Config      json.RawMessage `json:"config"`
}

type pluginShown struct {
	Plugin string            `json:"plugin"`
	ID     string            `json:"pluginId"`
	Tags   map[string]string `json:"tags"`
	Readme *string           `json:"readme,omitempty"`
}

// gateway is the Gateway in the path. Only admins get to know whether it is one.
func (c *call) gateway(tx *store.Tx) (string, error) {
	if err := c.permit(tx, kinds.Need{}); err != nil {
		return "", err
	}
	name, err := c.param("clusterName")
	if err != nil {
		return "", err
	}
	cluster, err := kinds.Cluster(tx, "clusterName", name)
	if err != nil {
		return "", err
	}
	if !kinds.IsGateway(cluster) {
		return "", &kinds.Error{Code: kinds.Invalid, Title: "The cluster is not a valid gateway cluster", Field: "clusterName",
			Message: "Cluster " + name + " is no Gateway: its spec.kafkaFlavor.type would have to be Gateway"}
	}
	return name, nil
}

func listInterceptors(c *call) error {
	tx := c.World.View()
	gateway, err := c.gateway(tx)
	if err != nil {
		return err
	}
	list := []interceptorShown{}
	for resource := range tx.Resources(kinds.InterceptorKind, "v1", []string{gateway}, "") {
		interceptor := resource.Value.(*kinds.Interceptor)
		list = append(list, interceptorShown(*interceptor))
	}
	return c.JSON(http.StatusOK, list)
}

func createInterceptor(c *call) error {
	body, err := c.input()
	if err != nil {
		return err
	}
	err = c.World.Update(func(tx *store.Tx) error {
		gateway, err := c.gateway(tx)
		if err != nil {
			return err
		}
		name := text(body["name"])
		if problem := store.ValidName(name); problem != "" {
			return &kinds.Error{Code: kinds.Invalid, Field: "name", Message: "Invalid value for: body (" + problem + " at 'name')"}
		}
		if _, err := tx.Resource(kinds.InterceptorKind, "v1", []string{gateway}, name); err == nil {
			return &kinds.Error{Code: kinds.Invalid, Field: "name",
				Message: "Interceptor " + name + " already exists on " + gateway + ": replace it with PUT"}
		}
		return c.putInterceptor(tx, gateway, name, body)
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusCreated)
}

func replaceInterceptor(c *call) error {
	body, err := c.input()
	if err != nil {
		return err
	}
	err = c.World.Update(func(tx *store.Tx) error {
		gateway, resource, err := c.interceptor(tx)
		if err != nil {
			return err
		}
		return c.putInterceptor(tx, gateway, resource.Name, body)
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// interceptor is the one in the path, with its Gateway.
func (c *call) interceptor(tx *store.Tx) (string, *store.Resource, error) {
	gateway, err := c.gateway(tx)
	if err != nil {
		return "", nil, err
	}
	name, err := c.param("interceptorName")
	if err != nil {
		return "", nil, err
	}
	resource, err := tx.Resource(kinds.InterceptorKind, "v1", []string{gateway}, name)
	if err != nil {
		return "", nil, &kinds.Error{Code: kinds.NotFound, Title: "No interceptor with this name exists",
			Message: "Interceptor " + name + " not found on cluster " + gateway}
	}
	return gateway, resource, nil
}

func (c *call) putInterceptor(tx *store.Tx, gateway, name string, body map[string]any) error {
	class := text(body["pluginClass"])
	var classes []string
	for resource := range tx.Resources(kinds.PluginKind, "v1", []string{gateway}, "") {
		classes = append(classes, resource.Name)
	}
	// The plugins of a Gateway that nobody gave any are unknown.
	if len(classes) > 0 && !slices.Contains(classes, class) {
		return &kinds.Error{Code: kinds.Invalid, Field: "pluginClass",
			Message: "Invalid value for: body (expected the class of a plugin of the Gateway " + gateway + ", got \"" + class + "\" at 'pluginClass')"}
	}
	kind, err := c.Engine.Kind("mockduktor/v1", kinds.InterceptorKind)
	if err != nil {
		return err
	}
	return c.keep(tx, kind, map[string]any{"cluster": gateway, "name": name},
		map[string]any{"pluginClass": class, "priority": body["priority"], "config": body["config"]})
}

// keep stores a resource of our own kinds whose parts a caller sent: they are
// held to the kind's schema too.
func (c *call) keep(tx *store.Tx, kind *openapi.Kind, metadata, spec map[string]any) error {
	object := map[string]any{"apiVersion": "mockduktor/" + kind.Version, "kind": kind.Name, "metadata": metadata, "spec": spec}
	if err := c.Engine.Validate(kind, object); err != nil {
		return err
	}
	_, _, err := c.Engine.Apply(tx, kinds.Request{Kind: kind, Object: object, By: c.by()})
	return err
}

func deleteInterceptor(c *call) error {
	err := c.World.Update(func(tx *store.Tx) error {
		_, resource, err := c.interceptor(tx)
		if err != nil {
			return err
		}
		return tx.Delete(resource)
	})
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusOK)
}

func listPlugins(c *call) error {
	tx := c.World.View()
	gateway, err := c.gateway(tx)
	if err != nil {
		return err
	}
	list := []pluginShown{}
	for resource := range tx.Resources(kinds.PluginKind, "v1", []string{gateway}, "") {
		list = append(list, shownPlugin(resource.Value.(*kinds.Plugin)))
	}
	return c.JSON(http.StatusOK, list)
}

func shownPlugin(plugin *kinds.Plugin) pluginShown {
	shown := pluginShown{Plugin: plugin.Class, ID: plugin.ID, Tags: plugin.Tags}
	if shown.Tags == nil {
		shown.Tags = map[string]string{}
	}
	return shown
}

func getPlugin(c *call) error {
	tx := c.World.View()
	gateway, err := c.gateway(tx)
	if err != nil {
		return err
	}
	id, err := c.param("pluginId")
	if err != nil {
		return err
	}
	for resource := range tx.Resources(kinds.PluginKind, "v1", []string{gateway}, "") {
		if plugin := resource.Value.(*kinds.Plugin); plugin.ID == id {
			shown := shownPlugin(plugin)
			shown.Readme = &plugin.Readme
			return c.JSON(http.StatusOK, shown)
		}
	}
	return &kinds.Error{Code: kinds.NotFound, Title: "No plugin with this id exists", Message: "Plugin " + id + " not found on cluster " + gateway}
}
