package apply

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/mintmark-id/mintmark/admin"
)

// kind is what can be declared, and how it is asked for and changed.
type kind struct {
	name, id string
	made     func() any // of which the fields are known
	find     func(ctx context.Context, server *admin.Client, id string) (found any, key string, version int64, err error)
	create   func(ctx context.Context, server *admin.Client, body []byte) (any, error)
	update   func(ctx context.Context, server *admin.Client, key string, version int64, body []byte) (any, error)
}

// kinds are in the order in which things are made: a client names resources.
func kinds() []*kind {
	return []*kind{resourceKind(), clientKind(), userKind()}
}

func kindOf(i *Item) *kind {
	for _, k := range kinds() {
		if k.name == i.Kind {
			return k
		}
	}
	panic("no kind " + i.Kind)
}

func resourceKind() *kind {
	return &kind{
		name: "resource", id: "audience", made: func() any { return new(admin.NewResource) },
		find: func(ctx context.Context, server *admin.Client, id string) (any, string, int64, error) {
			found, err := server.ShowResource(ctx, id)
			return found, id, found.Version, err
		},
		create: func(ctx context.Context, server *admin.Client, body []byte) (any, error) {
			return with(body, func(in admin.NewResource) (admin.Resource, error) { return server.CreateResource(ctx, in) })
		},
		update: func(ctx context.Context, server *admin.Client, key string, version int64, body []byte) (any, error) {
			return with(body, func(in admin.NewResource) (admin.Resource, error) {
				return server.UpdateResource(ctx, key, admin.ResourceUpdate{ResourceSettings: in.ResourceSettings, Version: version})
			})
		},
	}
}

func clientKind() *kind {
	return &kind{
		name: "client", id: "client_id", made: func() any { return new(admin.NewClient) },
		find: func(ctx context.Context, server *admin.Client, id string) (any, string, int64, error) {
			found, err := server.ShowClient(ctx, id)
			return found, id, found.Version, err
		},
		create: func(ctx context.Context, server *admin.Client, body []byte) (any, error) {
			return with(body, func(in admin.NewClient) (admin.RegisteredClient, error) { return server.CreateClient(ctx, in) })
		},
		update: func(ctx context.Context, server *admin.Client, key string, version int64, body []byte) (any, error) {
			return with(body, func(in admin.NewClient) (admin.RegisteredClient, error) {
				return server.UpdateClient(ctx, key, admin.ClientUpdate{ClientMetadata: in.ClientMetadata, Version: version})
			})
		},
	}
}

// A password does not belong into a file that is kept: the server makes one, or
// `mintmark user password` sets it.
func userKind() *kind {
	return &kind{
		name: "user", id: "email", made: func() any { return new(admin.UserProfile) },
		find: func(ctx context.Context, server *admin.Client, id string) (any, string, int64, error) {
			for found, err := range server.Users(ctx, admin.UserFilter{Email: id}) {
				return found, found.Sub, found.Version, err
			}
			return nil, "", 0, errNone
		},
		create: func(ctx context.Context, server *admin.Client, body []byte) (any, error) {
			return with(body, func(in admin.UserProfile) (admin.User, error) {
				return server.CreateUser(ctx, admin.NewUser{UserProfile: in})
			})
		},
		update: func(ctx context.Context, server *admin.Client, key string, version int64, body []byte) (any, error) {
			return with(body, func(in admin.UserProfile) (admin.User, error) {
				return server.UpdateUser(ctx, key, admin.UserUpdate{UserProfile: in, Version: version})
			})
		},
	}
}

// errNone means that there is no such user.
var errNone = errors.New("there is none")

func with[In, Out any](body []byte, do func(In) (Out, error)) (any, error) {
	var in In
	if err := json.Unmarshal(body, &in); err != nil { // each field was tried
		return nil, err
	}
	return do(in)
}
