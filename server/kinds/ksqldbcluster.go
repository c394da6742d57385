package kinds

import (
	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/store"
)

func ksqlDBClusterRule() *Rule {
	write := permission(rbac.ResourcePlatform, rbac.ClusterConnectionsManage)
	return &Rule{
		Access: Access{
			Read: func(ask Ask) Need {
				return Need{Or: []Need{write(ask)}, Grant: rbac.Need{Resource: rbac.ResourceKsqlDB,
					Cluster: ask.Key.Parents[0], Connect: ask.Key.Name, AnyOf: []rbac.Permission{rbac.KsqldbAccess}}}
			},
			Create: write, Update: write, Delete: write,
		},
		Delete: clearKsqlDB,
		Deleted: func(e *Engine, tx *store.Tx, r *store.Resource) error {
			return e.dropPermissions(tx, r.Name, func(permission map[string]any) bool {
				return text(permission, "resourceType") == string(rbac.ResourceKsqlDB) &&
					text(permission, "cluster") == r.Parents[0] && text(permission, "ksqlDB") == r.Name
			})
		},
	}
}
