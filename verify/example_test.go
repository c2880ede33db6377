package verify_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/mintmark-id/mintmark/verify"
)

// Example is an API whose callers need an access token with the scope
// orders:read. The token is checked without a look-up, and refused as soon as
// its user has logged out everywhere.
func Example() {
	issuer, token, logOutEverywhere, stop := verify.StartExampleIssuer()
	defer stop()

	v, err := verify.New(context.Background(), issuer, "https://api.example.com", verify.WithClient("orders-api", "its secret"))
	if err != nil {
		log.Fatal(err)
	}
	defer v.Close()
	mux := http.NewServeMux()
	mux.Handle("GET /orders", v.Require("orders:read")(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := verify.FromContext(r.Context())
		fmt.Fprintf(w, "orders of %s", claims.Subject)
	})))
	api := httptest.NewServer(mux) // or http.ListenAndServe
	defer api.Close()

	fmt.Println(get(api.URL, ""))
	fmt.Println(get(api.URL, token))
	dead, err := v.Watch(context.Background(), token)
	if err != nil {
		log.Fatal(err)
	}
	logOutEverywhere()
	<-dead.Done()
	fmt.Println(get(api.URL, token))
	// Output:
	// 401
	// 200 orders of ana
	// 401 {"error":"invalid_token","error_description":"the access token was revoked"}
}

// get asks the API for orders.
func get(api, token string) string {
	req, err := http.NewRequest(http.MethodGet, api+"/orders", nil)
	if err != nil {
		return err.Error()
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err.Error()
	}
	if len(body) == 0 {
		return fmt.Sprint(res.StatusCode)
	}
	return fmt.Sprintf("%d %s", res.StatusCode, body)
}
