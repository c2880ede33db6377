package record

// DeliveryKind says what a row of the outbox is.
type DeliveryKind string

// DeliveryLogout is a logout token for a client. About is the session, Receiver the
// client, Payload the user.
const DeliveryLogout DeliveryKind = "logout"

// DeliveryOutcome is how a delivery came to its end; empty: it has not yet.
type DeliveryOutcome string

// The outcomes. A delivery is withdrawn when there is nobody left to get it.
const (
	Delivered DeliveryOutcome = "delivered"
	GivenUp   DeliveryOutcome = "given_up"
	Withdrawn DeliveryOutcome = "withdrawn"
)

// Delivery is a row of the outbox. Times are Unix milliseconds.
type Delivery struct {
	ID       string
	Kind     DeliveryKind
	About    string
	Receiver string
	Payload  string
	MadeAt   int64
	DueAt    int64 // the next attempt
	Tries    int64 // begun, whatever became of them
	// LeasedUntil: until then whoever has leased it is at it.
	LeasedUntil int64
	DoneAt      int64
	Outcome     DeliveryOutcome
	Answer      string // to the last attempt, in words of ours
}
