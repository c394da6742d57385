package kinds

import (
	"errors"

	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/store"
)

func indexedTopicRule() *Rule {
	write := permission(rbac.ResourcePlatform, rbac.SQLManage)
	return &Rule{
		Access: Access{
			Read:   onNamed(rbac.ResourceTopic, topicVisible...),
			Create: write, Update: write, Delete: write,
			// Tables are seen by whoever has a permission on their topic (Console 1.30).
			Spans: spansOf(rbac.ResourceTopic, topicVisible...),
		},
		Check: func(c *Change) error {
			_, err := c.Tx.Resource("Topic", "v2", c.Key.Parents, c.Key.Name)
			if errors.Is(err, store.ErrNotFound) {
				return absent("metadata.name", "", "Topic %s not found on cluster %s", c.Key.Name, c.Key.Parents[0])
			}
			return err
		},
	}
}
