package spec

import (
	"bytes"
	"strings"
	"sync"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// outputHeading is the heading of an agent's transcript. Nothing is read from
// there on.
const outputHeading = "Agent Output"

// The parsers of spec files, CommonMark with task lists, and of documents, which
// also have tables. Those of blocks leave the inline elements out. They are safe for
// concurrent use.
//
//nolint:gochecknoglobals // immutable, and to build one takes a quarter of the time of Parse
var (
	specMarkdown = sync.OnceValue(func() parser.Parser {
		return goldmark.New(goldmark.WithExtensions(extension.TaskList)).Parser()
	})
	docMarkdown = sync.OnceValue(func() parser.Parser {
		return goldmark.New(goldmark.WithExtensions(extension.TaskList, extension.Table)).Parser()
	})
	specBlocks = sync.OnceValue(func() parser.Parser { return blockParser() })
	docBlocks  = sync.OnceValue(func() parser.Parser {
		return blockParser(util.Prioritized(extension.NewTableParagraphTransformer(), 200)) // as in extension.Table
	})
)

func blockParser(more ...util.PrioritizedValue) parser.Parser {
	return parser.NewParser(
		parser.WithBlockParsers(parser.DefaultBlockParsers()...),
		parser.WithParagraphTransformers(append(parser.DefaultParagraphTransformers(), more...)...),
	)
}

func parseMarkdown(p parser.Parser, src []byte) ast.Node { return p.Parse(text.NewReader(src)) }

// readMarkdown parses the Markdown from an offset of the file to the transcript,
// and returns its text. If the text is beyond a limit, readMarkdown adds an error
// and returns an empty text.
func (s *source) readMarkdown(start int) ([]byte, ast.Node) {
	text := s.aboveTranscript(start, specBlocks(), markdownLimit)
	return text, parseMarkdown(specMarkdown(), text)
}

// aboveTranscript returns the Markdown from an offset of the file to the
// transcript. The transcript is not read: it may be long, and a link reference
// definition in it would change the text above it. If the text is beyond a limit,
// aboveTranscript adds an error and returns nil.
func (s *source) aboveTranscript(start int, blocks parser.Parser, limit int) []byte {
	src := s.src[start:]
	if !bytes.HasSuffix(src, []byte("\n")) {
		// goldmark ignores a one-letter info string at the end of a file.
		src = append(bytes.Clone(src), '\n')
	}
	head := within(src, limit)
	deep := deepLine(head)
	if deep >= 0 {
		head = head[:deep]
	}
	root := parseMarkdown(blocks, head)
	transcript := false
	for n := root.FirstChild(); n != nil && !transcript; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok && isOutputHeading(h, head) {
			head, transcript = head[:1+bytes.LastIndexByte(head[:h.Lines().At(0).Start], '\n')], true
		}
	}
	switch {
	case transcript:
	case deep >= 0:
		s.fail(s.pos(start+deep), "too-large", "nest them less", "more than %d quotes and lists begin on this line", nestingLimit)
		return nil
	case len(head) < len(src):
		s.fail(s.pos(start+len(head)), "too-large", "move parts of it into files of their own",
			"the text has more than %d KiB, without the output of agents", limit>>10)
		return nil
	}
	if !s.shortTexts(root, len(head), start) {
		return nil
	}
	return head
}

// isOutputHeading reports whether a transcript starts at the heading, whose inline
// elements are not parsed yet. It is false for a heading with a reference link,
// whose text could depend on a definition in the transcript.
func isOutputHeading(h *ast.Heading, src []byte) bool {
	raw := h.Lines().Value(src)
	if len(raw) > 1<<10 || !strings.Contains(letters(string(raw)), letters(outputHeading)) {
		return false // most headings
	}
	line := append([]byte("# "), bytes.Join(bytes.Fields(raw), []byte(" "))...)
	alone, ok := parseMarkdown(specMarkdown(), line).FirstChild().(*ast.Heading)
	return ok && strings.EqualFold(plainText(alone, line), outputHeading)
}

// letters returns the letters of a text in lower case.
func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, text)
}
