// Package mint turns the facts of tokens into signed tokens, and signed tokens
// back into facts. It holds the key ring. How a token looks is a profile: a row
// of one table, never a second way of minting.
package mint
