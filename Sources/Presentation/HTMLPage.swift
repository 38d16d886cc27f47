/// A page of HTML that needs nothing beside itself.
package struct HTMLPage: Sendable {
  private let title: String
  private var parts: [String] = []

  package init(title: String) { self.title = title }

  package mutating func heading(_ text: String) { parts.append("<h2>\(Self.escaped(text))</h2>") }

  package mutating func paragraph(_ text: String) { parts.append("<p>\(Self.escaped(text))</p>") }

  package mutating func list(_ items: [String]) {
    parts.append("<ul>" + items.map { "<li>\(Self.escaped($0))</li>" }.joined() + "</ul>")
  }

  /// A picture in SVG, as it is.
  package mutating func picture(_ svg: String) { parts.append(svg) }

  /// The first column is text, the others are aligned to the right.
  package mutating func table(_ titles: [String], _ rows: [[String]]) {
    func line(_ tag: String, _ cells: [String]) -> String {
      "<tr>" + cells.map { "<\(tag)>\(Self.escaped($0))</\(tag)>" }.joined() + "</tr>"
    }
    parts.append(
      "<div class=\"wide\"><table><thead>\(line("th", titles))</thead><tbody>"
        + rows.map { line("td", $0) }.joined(separator: "\n") + "</tbody></table></div>")
  }

  /// The whole document.
  package var text: String {
    """
    <!doctype html>
    <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
    <title>\(Self.escaped(title))</title>
    <style>
      body { font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem;
             color: #1b1f24 }
      h1 { font-size: 1.6rem } h2 { font-size: 1.15rem; margin-top: 2rem }
      table { border-collapse: collapse; margin: 1rem 0; font-size: 13px; font-variant-numeric: tabular-nums }
      td, th { padding: .25rem .45rem; text-align: right }
      td:first-child, th:first-child { text-align: left }
      td { white-space: nowrap } .wide { overflow-x: auto }
      th { border-bottom: 2px solid #444; font-weight: 600; vertical-align: bottom }
      td { border-bottom: 1px solid #ddd }
      svg { width: 100%; height: auto; margin: .5rem 0 }
    </style></head><body>
    <h1>\(Self.escaped(title))</h1>
    \(parts.joined(separator: "\n"))
    </body></html>

    """
  }

  /// Text as HTML and SVG take it.
  package static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }
}
