package main

import (
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"
	josejwt "github.com/go-jose/go-jose/v4/jwt"
	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/jwx/v3/jwa"
	jwxjwt "github.com/lestrrat-go/jwx/v3/jwt"
)

// prepare makes what a program makes once, and gives what it does for each call. The key is parsed already, in each.
func prepare(s scene) (map[string]func() error, error) {
	var key jose.JSONWebKey
	if err := json.Unmarshal(s.Key, &key); err != nil {
		return nil, err
	}
	public, ok := key.Key.(*ecdsa.PublicKey)
	if !ok {
		return nil, errors.New("the key is for no ECDSA")
	}
	return map[string]func() error{
		"golang-jwt": s.golangJWT(public), "go-jose": s.goJose(public), "jwx": s.jwx(public),
	}, nil
}

func (s scene) golangJWT(key *ecdsa.PublicKey) func() error {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer(s.Issuer), jwt.WithAudience(s.Audience), jwt.WithExpirationRequired())
	find := func(*jwt.Token) (any, error) { return key, nil }
	return func() error {
		_, err := parser.ParseWithClaims(s.Token, &jwt.RegisteredClaims{}, find)
		return err
	}
}

func (s scene) goJose(key *ecdsa.PublicKey) func() error {
	algorithms := []jose.SignatureAlgorithm{jose.ES256}
	return func() error {
		token, err := josejwt.ParseSigned(s.Token, algorithms)
		if err != nil {
			return err
		}
		var claims josejwt.Claims
		if err := token.Claims(key, &claims); err != nil {
			return err
		}
		return claims.Validate(josejwt.Expected{Issuer: s.Issuer, AnyAudience: josejwt.Audience{s.Audience}, Time: time.Now()})
	}
}

func (s scene) jwx(key *ecdsa.PublicKey) func() error {
	token := []byte(s.Token)
	options := []jwxjwt.ParseOption{
		jwxjwt.WithKey(jwa.ES256(), key), jwxjwt.WithIssuer(s.Issuer), jwxjwt.WithAudience(s.Audience), jwxjwt.WithValidate(true),
	}
	return func() error {
		_, err := jwxjwt.Parse(token, options...)
		return err
	}
}
