// Package wordcount counts the words of a book, a page a task.
//
// It owns the book (testdata/book.txt), the task that counts one page, and the sum
// of all pages. It promises that a page which fails, as some do, is counted exactly
// once all the same: the sum is that of the whole book.
package wordcount

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"hash/fnv"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/adzehq/adze"
)

//go:generate go run ./generate

//go:embed testdata/book.txt
var book string

const (
	// pageBytesMax is about twenty lines.
	pageBytesMax = 1_600
	// readingTime is what it takes to fetch a page from where books are kept.
	readingTime = 100 * time.Millisecond
	// smudgedOneIn is how many pages are there for one that cannot be read at first.
	smudgedOneIn = 20
)

// Page is the input of Count.
type Page struct {
	Number int    `json:"number"` // 1-based
	Text   string `json:"text"`
}

// Words is how often each word stands on a page.
type Words map[string]int

// ErrSmudged is why a page's first attempt may fail.
var ErrSmudged = errors.New("the page is smudged, look again")

// Count counts the words of one page. One page in twenty cannot be read at the
// first attempt, so that there is a retry to see.
var Count = adze.NewTask("wordcount", count,
	adze.Description("counts the words on one page of a book"),
	adze.Retries(3),
	adze.Backoff(200*time.Millisecond, 2, 2*time.Second),
	adze.Timeout(10*time.Second),
)

func count(ctx context.Context, page Page) (Words, error) {
	select {
	case <-time.After(readingTime):
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if adze.Attempt(ctx) == 1 && smudged(page.Text) {
		return nil, ErrSmudged
	}
	words := Words{}
	for _, w := range split(page.Text) {
		words[w]++
	}
	return words, nil
}

// smudged is by chance, but the same for the same page.
func smudged(text string) bool {
	h := fnv.New32a()
	_, _ = h.Write([]byte(text))
	return h.Sum32()%smudgedOneIn == 0
}

func split(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && r != '-'
	})
}

// Title is the book's first line.
func Title() string {
	title, _, _ := strings.Cut(book, "\n")
	return title
}

// Pages is the book, cut between paragraphs.
func Pages() []Page {
	var pages []Page
	var text strings.Builder
	turn := func() {
		pages = append(pages, Page{Number: len(pages) + 1, Text: text.String()})
		text.Reset()
	}
	for paragraph := range strings.SplitSeq(book, "\n\n") {
		if text.Len() > 0 && text.Len()+len(paragraph) > pageBytesMax {
			turn()
		}
		text.WriteString(paragraph + "\n\n")
	}
	turn()
	return pages
}

// Add adds the words of a page.
func (w Words) Add(page Words) {
	for word, n := range page {
		w[word] += n
	}
}

// Total is how many words there are.
func (w Words) Total() (n int) {
	for _, one := range w {
		n += one
	}
	return n
}

// Entry is a word and how often it was found.
type Entry struct {
	Word  string
	Count int
}

// Top is the n most common words of at least letters letters, the most common first.
func (w Words) Top(n, letters int) []Entry {
	var all []Entry
	for word, count := range w {
		if len(word) >= letters {
			all = append(all, Entry{word, count})
		}
	}
	slices.SortFunc(all, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Word, b.Word))
	})
	return all[:min(n, len(all))]
}
