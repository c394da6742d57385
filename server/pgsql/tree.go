package pgsql

// statement is a SELECT, or several joined by UNION and its kin.
type statement struct {
	with   []cte
	body   body
	order  []ordering
	limit  expression // nil: none, or ALL
	offset expression
}

type cte struct {
	name     string
	columns  []string
	query    *statement
	position int
}

// body is *selection or *combination.
type body interface{}

type selection struct {
	distinct bool
	items    []item
	from     []tableRef
	where    expression
	group    []expression
	having   expression
	position int
}

type combination struct {
	operator    string // union, intersect or except
	all         bool
	left, right body // each may be a *statement in brackets
	position    int
}

type item struct {
	star  bool
	table string // of table.*
	value expression
	as    string
	at    int
}

type ordering struct {
	value      expression
	descending bool
	nullsFirst *bool
}

// tableRef is *named, *derived or *join.
type tableRef interface{}

type named struct {
	name     string
	alias    string
	columns  []string
	position int
}

type derived struct {
	query    *statement
	alias    string
	columns  []string
	position int
}

type join struct {
	sort        string // inner, left, right, full or cross
	left, right tableRef
	on          expression
	using       []string
	position    int
}

// expression is one of the types below.
type expression interface{ at() int }

type place int

func (p place) at() int { return int(p) }

type (
	literal struct {
		place
		value Value
		// unknown: a text in quotes, which takes the type that is wanted of it.
		unknown bool
	}
	column struct {
		place
		table, name string
	}
	// starred is a column that a star stood for.
	starred struct {
		place
		index int
		name  string
	}
	unary struct {
		place
		operator string // not, - or +
		value    expression
	}
	binary struct {
		place
		operator    string
		left, right expression
	}
	isTest struct {
		place
		value expression
		want  string // null, true, false, unknown
		not   bool
	}
	between struct {
		place
		value, low, high expression
		not              bool
	}
	inList struct {
		place
		value expression
		list  []expression
		query *statement // instead of list
		not   bool
	}
	like struct {
		place
		value, pattern, escape expression
		fold, not              bool
	}
	caseWhen struct {
		place
		value     expression // nil: the conditions are whole
		when      []expression
		then      []expression
		otherwise expression
	}
	cast struct {
		place
		value  expression
		target string
	}
	call struct {
		place
		name     string
		args     []expression
		star     bool
		distinct bool
		order    []ordering
		filter   expression
	}
	subquery struct {
		place
		query  *statement
		exists bool
	}
)
