// Command generate writes the book that the word count reads: a novel in length,
// made of a small vocabulary whose words are as unevenly common as those of real
// prose. It owns testdata/book.txt and promises the same bytes each time.
package main

import (
	"bufio"
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
)

const (
	chapters          = 48
	paragraphsChapter = 32
	lineWidth         = 78
	seed              = 1868
)

// The lists are ordered from common to rare.
var (
	nouns = words(`boat water carpenter morning harbour tide plank hand river adze timber keel
		sail bench light rope captain shed evening oak wind town door tool bell winter lantern
		letter table storm ladder ledger chisel mast anchor gull barrel clerk engine queue
		workshop island chart compass shoreline driftwood blacksmith ferryman lighthouse
		apprentice rafter mallet spokeshave caulking bowsprit quay warehouse chandler almanac
		breakwater sandbar weathervane shipwright astrolabe cartographer figurehead`)
	adjectives = words(`old long small good cold quiet narrow wet patient bright heavy slow honest
		crooked salt-worn careful grey steady stubborn weathered half-finished well-made
		unhurried moonlit barnacled seaworthy unremarkable impeccable`)
	verbs = words(`held made built left kept found carried turned heard cut asked mended raised
		measured remembered steered counted shaped finished repaired hauled untangled
		sharpened sanded recorded misplaced outlasted`)
	adverbs = words(`slowly again then quietly carefully never always twice once gladly
		patiently steadily reluctantly unexpectedly`)
	places = words(`by|the|river in|the|shed at|the|bench near|the|harbour under|the|lantern
		on|the|quay before|the|storm after|the|bell beside|the|keel along|the|breakwater
		beneath|the|rafters beyond|the|sandbar`)
	names = words(`Ada Tom Miriam Josef Ingrid Nils Beatrix Aurelio Thaddeus Wilhelmina`)

	// Each letter stands for a word of a list: n noun, a adjective, v verb, y adverb,
	// p place, N name.
	sentences = []string{
		"The *n *v the *n *p.",
		"*N *v the *a *n and *v it *y.",
		"It was a *a *n, and the *n was *a too.",
		"*P, *N *v the *n.",
		"\"The *n is *a,\" said *N, \"but the *n will hold.\"",
		"Nobody *v the *n as *y as *N had *v the *n.",
		"When the *n came, the *a *n was *y *v *p.",
		"There was a *n *p, and a *n, and nothing else.",
		"*Y the *n of the *n *v the *a *n.",
		"\"Who *v my *n?\" asked *N, who *v *y what the *n had cost.",
		"So the *n was *v, the *n was *v, and the *a *n *v them both.",
		"*N thought of the *n, of the *a *n *p, and of the *n that *N *v *y.",
	}
)

func words(list string) []string { return strings.Fields(list) }

func main() {
	f, err := os.Create("testdata/book.txt")
	if err != nil {
		log.Fatal(err)
	}
	out := bufio.NewWriter(f)
	write(out, rand.New(rand.NewPCG(seed, seed)))
	if err := out.Flush(); err != nil {
		log.Fatal(err)
	}
	if err := f.Close(); err != nil {
		log.Fatal(err)
	}
}

func write(out *bufio.Writer, r *rand.Rand) {
	fmt.Fprintf(out, "THE PATIENT CARPENTER\n\nA novel, written by a program\n")
	for c := range chapters {
		fmt.Fprintf(out, "\n\nCHAPTER %d\n\nIn which the %s meets the %s\n", c+1, pick(r, nouns), pick(r, nouns))
		for range paragraphsChapter {
			fmt.Fprintf(out, "\n%s\n", wrap(paragraph(r)))
		}
	}
}

func paragraph(r *rand.Rand) string {
	all := make([]string, 3+r.IntN(6))
	for i := range all {
		all[i] = sentence(r)
	}
	return strings.Join(all, " ")
}

func sentence(r *rand.Rand) string {
	var s strings.Builder
	template := sentences[r.IntN(len(sentences))]
	for i := 0; i < len(template); i++ {
		if template[i] != '*' {
			s.WriteByte(template[i])
			continue
		}
		i++
		s.WriteString(word(r, template[i]))
	}
	return beforeVowel.ReplaceAllString(s.String(), "${1}n $2")
}

var beforeVowel = regexp.MustCompile(`\b([Aa]) ([aeiou])`)

func word(r *rand.Rand, letter byte) string {
	switch letter {
	case 'n':
		return pick(r, nouns)
	case 'a':
		return pick(r, adjectives)
	case 'v':
		return pick(r, verbs)
	case 'y':
		return pick(r, adverbs)
	case 'p':
		return strings.ReplaceAll(pick(r, places), "|", " ")
	case 'N':
		return pick(r, names)
	default: // an upper-case letter begins a sentence
		w := word(r, letter+'a'-'A')
		return strings.ToUpper(w[:1]) + w[1:]
	}
}

// pick is Zipf's law, about: the n-th word is 1/n as likely as the first.
func pick(r *rand.Rand, list []string) string {
	n := float64(len(list))
	return list[int(math.Exp(r.Float64()*math.Log(n+1)))-1]
}

func wrap(text string) string {
	var s strings.Builder
	column := 0
	for _, w := range strings.Fields(text) {
		switch {
		case column == 0:
		case column+1+len(w) > lineWidth:
			s.WriteByte('\n')
			column = 0
		default:
			s.WriteByte(' ')
			column++
		}
		s.WriteString(w)
		column += len(w)
	}
	return s.String()
}
