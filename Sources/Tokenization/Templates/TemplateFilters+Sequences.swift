extension TemplateFilters {
  static let sequences: [String: Filter] = [
    "list": filter("list") { (renderer, value, _) throws(TemplateError) in
      try renderer.list(try renderer.items(of: value))
    },
    "first": filter("first") { (renderer, value, _) throws(TemplateError) in
      let empty = UndefinedValue.hint("No first item, sequence was empty.")
      if case .iterator(let iterator) = value { return try iterator.next() ?? empty }
      if case .text(let text) = value, !text.isEmpty { return .text(text.substring(0..<1)) }
      return try renderer.items(of: value).first ?? empty
    },
    "last": filter("last") { (renderer, value, _) throws(TemplateError) in
      if case .iterator = value { throw TemplateError(.value, "'generator' object is not reversible") }
      if case .text(let text) = value, !text.isEmpty {
        return .text(text.substring((text.count - 1)..<text.count))
      }
      return try renderer.items(of: value).last ?? UndefinedValue.hint("No last item, sequence was empty.")
    },
    "reverse": filter("reverse") { (renderer, value, _) throws(TemplateError) in
      switch value {
      case .text(let text):
        try renderer.allocate(bytes: text.utf8.count)
        return .text(TemplateText(scalars: text.scalars.reversed()))
      case .iterator: return try renderer.list(try renderer.items(of: value).reversed())
      case .null, .bool, .int, .float, .namespace, .macro, .loop, .cycler, .joiner, .function, .method:
        throw TemplateError(.value, "argument must be iterable")
      default: return .iterator(TemplateIterator(try renderer.items(of: value).reversed()))
      }
    },
    "join": filter("join", ["d", "attribute"]) { (renderer, value, values) throws(TemplateError) in
      let path = try AttributePath(values[1])
      let separator =
        try values[0].map { (value) throws(TemplateError) in try renderer.text(value) } ?? .empty
      var bytes: [UInt8] = []
      for (index, item) in try renderer.items(of: value).enumerated() {
        if index > 0 { bytes += separator.utf8 }
        bytes += try renderer.text(try path.value(of: item, renderer)).utf8
        guard bytes.count <= renderer.limits.maxTextBytes else {
          throw TemplateError(
            .limit, "a joined string is longer than the \(renderer.limits.maxTextBytes) bytes allowed")
        }
      }
      try renderer.allocate(bytes: bytes.count)
      return .text(TemplateText(utf8: bytes))
    },
    "sort": filter("sort", ["reverse", "case_sensitive", "attribute"]) {
      (renderer, value, values) throws(TemplateError) in
      let paths = try AttributePath.several(values[2])
      let items = try renderer.items(of: value)
      var keys: [TemplateValue] = []
      for item in items {
        var parts: [TemplateValue] = []
        for path in paths { parts.append(folded(try path.value(of: item, renderer), values[1])) }
        keys.append(try renderer.list(parts))
      }
      return try renderer.list(try renderer.sorted(items, by: keys, descending: values[0]?.isTrue ?? false))
    },
    "dictsort": filter("dictsort", ["case_sensitive", "by", "reverse"]) {
      (renderer, value, values) throws(TemplateError) in
      try dictSorted(renderer, value, values)
    },
    "unique": filter("unique", ["case_sensitive", "attribute"]) {
      (renderer, value, values) throws(TemplateError) in
      let path = try AttributePath(values[1])
      return try renderer.lazily(over: value) { (items) throws(TemplateError) in
        var seen: Set<MappingKey> = []
        var result: [TemplateValue] = []
        for item in items {
          let key = try MappingKey(folded(try path.value(of: item, renderer), values[0]))
          if seen.insert(key).inserted { result.append(item) }
        }
        return result
      }
    },
    "min": filter("min", ["case_sensitive", "attribute"]) { (renderer, value, values) throws(TemplateError) in
      try extreme(renderer, value, values) { (new, best) throws(TemplateError) in
        try renderer.isLess(new, best)
      }
    },
    "max": filter("max", ["case_sensitive", "attribute"]) { (renderer, value, values) throws(TemplateError) in
      try extreme(renderer, value, values) { (new, best) throws(TemplateError) in
        try renderer.isLess(best, new, ">", swapped: true)
      }
    },
    "sum": filter("sum", ["attribute", "start"]) { (renderer, value, values) throws(TemplateError) in
      let path = try AttributePath(values[0])
      var total = values[1] ?? .int(0)
      if case .text = total {
        throw TemplateError(.value, "sum() can't sum strings [use ''.join(seq) instead]")
      }
      for item in try renderer.items(of: value) {
        total = try renderer.apply(.add, total, try path.value(of: item, renderer))
      }
      return total
    },
    "batch": filter("batch", ["linecount", "fill_with"], required: 1) {
      (renderer, value, values) throws(TemplateError) in
      try renderer.lazily(over: value) { (items) throws(TemplateError) in
        try batches(renderer, items, values[0] ?? .null, values[1])
      }
    },
    "slice": filter("slice", ["slices", "fill_with"], required: 1) {
      (renderer, value, values) throws(TemplateError) in
      try renderer.lazily(over: value) { (items) throws(TemplateError) in
        try slices(renderer, items, values[0] ?? .null, values[1])
      }
    },
    "groupby": filter("groupby", ["attribute", "default", "case_sensitive"], required: 1) {
      (renderer, value, values) throws(TemplateError) in
      try grouped(renderer, value, values)
    },
  ]

  /// Lower case of text, unless case counts.
  private static func folded(_ value: TemplateValue, _ caseSensitive: TemplateValue?) -> TemplateValue {
    guard case .text(let text) = value, !(caseSensitive?.isTrue ?? false) else { return value }
    return .text(text.lowercased())
  }

  private static func dictSorted(
    _ renderer: TemplateRenderer, _ value: TemplateValue, _ values: [TemplateValue?]
  )
    throws(TemplateError) -> TemplateValue
  {
    let by = try values[1].map { (value) throws(TemplateError) in try renderer.text(value) } ?? "key"
    guard by == "key" || by == "value" else {
      throw TemplateError(.value, "You can only sort by either \"key\" or \"value\"")
    }
    if case .undefined(let undefined) = value { throw undefined.error }
    guard case .dict(let mapping) = value else {
      throw TemplateError(.value, "'\(value.typeName)' object has no attribute 'items'")
    }
    let keys = (by == "key" ? mapping.keys : mapping.values).map { folded($0, values[0]) }
    return try renderer.list(
      try renderer.sorted(mapping.pairs, by: keys, descending: values[2]?.isTrue ?? false))
  }

  private static func extreme(
    _ renderer: TemplateRenderer, _ value: TemplateValue, _ values: [TemplateValue?],
    _ isBetter: (TemplateValue, TemplateValue) throws(TemplateError) -> Bool
  ) throws(TemplateError) -> TemplateValue {
    let path = try AttributePath(values[1])
    var best: (item: TemplateValue, key: TemplateValue)?
    for item in try renderer.items(of: value) {
      let key = folded(try path.value(of: item, renderer), values[0])
      if let current = best, try !isBetter(key, current.key) { continue }
      best = (item, key)
    }
    return best?.item ?? UndefinedValue.hint("No aggregated item, sequence was empty.")
  }

  private static func batches(
    _ renderer: TemplateRenderer, _ items: [TemplateValue], _ size: TemplateValue, _ fill: TemplateValue?
  ) throws(TemplateError) -> [TemplateValue] {
    var result: [TemplateValue] = []
    var batch: [TemplateValue] = []
    for item in items {
      if try renderer.equal(.int(batch.count), size) {
        result.append(try renderer.list(batch))
        batch = []
      }
      batch.append(item)
    }
    guard !batch.isEmpty else { return result }
    if let fill, !fill.isNull, let size = size.integer, batch.count < size {
      try renderer.allocate(bytes: min(size, 1 << 40) * 32)
      batch += Array(repeating: fill, count: size - batch.count)
    }
    return result + [try renderer.list(batch)]
  }

  private static func slices(
    _ renderer: TemplateRenderer, _ items: [TemplateValue], _ count: TemplateValue, _ fill: TemplateValue?
  ) throws(TemplateError) -> [TemplateValue] {
    if case .undefined(let undefined) = count { throw undefined.error }
    guard let count = count.integer else {
      throw TemplateError(.value, "unsupported operand type(s) for //: 'int' and '\(count.typeName)'")
    }
    guard count != 0 else { throw TemplateError(.value, "integer division or modulo by zero") }
    guard count > 0 else { return [] }
    try renderer.allocate(bytes: min(count, 1 << 40) * 64)
    let size = items.count / count
    let withExtra = items.count % count
    var result: [TemplateValue] = []
    var position = 0
    for index in 0..<count {
      let end = position + size + (index < withExtra ? 1 : 0)
      var part = Array(items[position..<end])
      if let fill, !fill.isNull, index >= withExtra { part.append(fill) }
      result.append(try renderer.list(part))
      position = end
    }
    return result
  }

  private static func grouped(
    _ renderer: TemplateRenderer, _ value: TemplateValue, _ values: [TemplateValue?]
  )
    throws(TemplateError) -> TemplateValue
  {
    let path = try AttributePath(values[0], fallback: values[1])
    let items = try renderer.items(of: value)
    var keys: [TemplateValue] = []
    for item in items { keys.append(folded(try path.value(of: item, renderer), values[2])) }
    let order = try renderer.sorted((0..<items.count).map { .int($0) }, by: keys, descending: false)
    var groups: [TemplateValue] = []
    var members: [TemplateValue] = []
    var key: TemplateValue?
    func flush() throws(TemplateError) {
      guard let first = members.first else { return }
      let shown = try path.value(of: first, renderer)
      groups.append(.tuple(try renderer.sequence([shown, try renderer.list(members)], isGroup: true)))
      members = []
    }
    for position in order.compactMap(\.integer) {
      if let key, try !renderer.equal(key, keys[position]) { try flush() }
      key = keys[position]
      members.append(items[position])
    }
    try flush()
    return try renderer.list(groups)
  }
}

extension TemplateRenderer {
  /// Stable merge sort by Python's order of the keys.
  func sorted(_ items: [TemplateValue], by keys: [TemplateValue], descending: Bool) throws(TemplateError)
    -> [TemplateValue]
  {
    var order = Array(items.indices)
    var scratch = order
    var width = 1
    while width < order.count {
      try step(order.count)
      for start in stride(from: 0, to: order.count, by: 2 * width) {
        let middle = min(start + width, order.count)
        let end = min(start + 2 * width, order.count)
        var (left, right) = (start, middle)
        for target in start..<end {
          var takesRight = left == middle
          if !takesRight, right < end {
            let (a, b) = (keys[order[left]], keys[order[right]])
            takesRight = descending ? try isLess(a, b) : try isLess(b, a)
          }
          scratch[target] = order[takesRight ? right : left]
          if takesRight { right += 1 } else { left += 1 }
        }
      }
      swap(&order, &scratch)
      width *= 2
    }
    try allocate(bytes: items.count * 32)
    return order.map { items[$0] }
  }
}

/// The attribute that `map`, `sort` and others look at: `"a.b.0"`, a number, or none for the item itself.
struct AttributePath {
  private let parts: [TemplateValue]
  private let fallback: TemplateValue?

  init(_ attribute: TemplateValue?, fallback: TemplateValue? = nil) throws(TemplateError) {
    if let fallback, !fallback.isNull { self.fallback = fallback } else { self.fallback = nil }
    switch attribute {
    case .none, .some(.null): parts = []
    case .some(.text(let text)):
      parts = text.split(separator: ".", limit: -1).map { part in
        part.allScalars { $0.isPythonDigit } ? Int(part.string).map { .int($0) } ?? .text(part) : .text(part)
      }
    case .some(let other): parts = [other]
    }
  }

  /// Paths with commas between them.
  static func several(_ attribute: TemplateValue?) throws(TemplateError) -> [AttributePath] {
    guard case .text(let text) = attribute else { return [try AttributePath(attribute)] }
    var paths: [AttributePath] = []
    for part in text.split(separator: ",", limit: -1) { paths.append(try AttributePath(.text(part))) }
    return paths
  }

  func value(of item: TemplateValue, _ renderer: TemplateRenderer) throws(TemplateError) -> TemplateValue {
    var value = item
    for part in parts {
      try renderer.step()
      value = try renderer.item(part, of: value)
      if let fallback, value.isUndefined { value = fallback }
    }
    return value
  }
}
