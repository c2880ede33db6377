package secret

import (
	_ "embed" // for commonPasswords
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// commonPasswords is the list of the passwords that guessers try first, from 8
// characters on, in lower case, one a line, sorted; commonpasswords.LICENSE says
// where it is from. It is searched as it lies in the executable: it costs no memory.
//
//go:embed commonpasswords.txt
var commonPasswords string

// strongLength is how many code points make a text worth something by itself:
// beside a guessable word, or as the piece that a password repeats.
const strongLength = 8

// minContextWord is the length from which a context word counts, in code points.
const minContextWord = 3

// isCommon reports whether guessers try the password first: it is on the list,
// in any case, with letters written as digits, with a few digits or signs around
// it, or repeated; or it repeats a short piece.
func isCommon(password string) bool {
	lower := strings.ToLower(password)
	unit := lower[:period(lower)]
	if unit != lower && utf8.RuneCountInString(unit) < strongLength {
		return true
	}
	for _, core := range []string{unit, strings.TrimRightFunc(unit, notLetter), strings.TrimFunc(unit, notLetter)} {
		if utf8.RuneCountInString(unit)-utf8.RuneCountInString(core) >= strongLength {
			continue
		}
		if listed(core) || listed(unleet(core, 'i')) || listed(unleet(core, 'l')) {
			return true
		}
	}
	return false
}

// listed reports whether the list has a line with just this text, by halves.
func listed(text string) bool {
	for list := commonPasswords; list != ""; {
		middle := len(list) / 2
		start := strings.LastIndexByte(list[:middle], '\n') + 1
		end := middle + strings.IndexByte(list[middle:], '\n')
		switch strings.Compare(text, list[start:end]) {
		case -1:
			list = list[:start]
		case 1:
			list = list[end+1:]
		default:
			return true
		}
	}
	return false
}

// period returns the length of the shortest piece that, repeated, gives the text.
func period(text string) int {
	if text == "" {
		return 0
	}
	return 1 + strings.Index((text + text)[1:], text)
}

// isContext reports whether the password is made of context words, in any case
// and with letters written as digits, and at most a few digits and signs.
func isContext(password string, words []string) bool {
	lower := []rune(strings.ToLower(password))
	text := []rune(fold(string(lower)))
	covered := make([]bool, len(lower))
	for _, word := range contextWords(words) {
		for i := 0; i+len(word) <= len(text); i++ {
			if slices.Equal(text[i:i+len(word)], word) {
				for j := range word {
					covered[i+j] = true
				}
			}
		}
	}
	left := 0
	for i, r := range lower {
		if covered[i] {
			continue
		}
		if unicode.IsLetter(r) {
			return false
		}
		left++
	}
	return left < len(lower) && left < strongLength
}

// contextWords takes what is known around an account apart into folded words.
func contextWords(known []string) [][]rune {
	var words [][]rune
	for _, text := range known {
		text = strings.ToLower(text)
		pieces := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		for _, piece := range append(pieces, text) {
			if word := []rune(fold(piece)); len(word) >= minContextWord {
				words = append(words, word)
			}
		}
	}
	return words
}

// fold makes all the ways of writing a lower-case text with digits and signs the
// same, one code point for one.
func fold(text string) string { return strings.ReplaceAll(unleet(text, 'i'), "l", "i") }

// unleet reads the digits and signs that stand for letters, one for one; an
// upright stroke stands for i or for l.
func unleet(text string, stroke rune) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '0':
			return 'o'
		case '1', '!', '|':
			return stroke
		case '3':
			return 'e'
		case '4', '@':
			return 'a'
		case '5', '$':
			return 's'
		case '7', '+':
			return 't'
		case '8':
			return 'b'
		case '9':
			return 'g'
		default:
			return r
		}
	}, text)
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) }
