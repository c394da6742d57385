package rbac

// Matches reports whether the pattern covers a resource of that name; type and
// connect cluster are the caller's to compare.
func (o InstanceResource) Matches(name string) bool {
	return pattern{o.Pattern, o.Name}.matches(name)
}

// Overlaps reports whether some resource could match both patterns: same type,
// same connect cluster where the type has one, and one name inside the other.
func (o InstanceResource) Overlaps(other InstanceResource) bool {
	if o.Resource != other.Resource || o.Resource == ResourceKafkaConnect && o.Connect != other.Connect {
		return false
	}
	_, common := pattern{o.Pattern, o.Name}.intersect(pattern{other.Pattern, other.Name})
	return common
}

// Covers reports whether everything that other matches lies inside o: the same
// type and connect cluster, and the same name or a longer one.
func (o InstanceResource) Covers(other InstanceResource) bool {
	if o.Resource != other.Resource || o.Resource == ResourceKafkaConnect && o.Connect != other.Connect {
		return false
	}
	mine, theirs := pattern{o.Pattern, o.Name}, pattern{other.Pattern, other.Name}
	common, ok := mine.intersect(theirs)
	return ok && common == theirs
}

// Owns reports whether the instance owns the resource; connect is the Kafka
// Connect cluster of a connector.
func (i *Instance) Owns(resource ResourceType, connect, name string) bool {
	for _, owned := range i.Resources {
		if owned.Resource == resource && (resource != ResourceKafkaConnect || owned.Connect == connect) && owned.Matches(name) {
			return true
		}
	}
	return false
}
