extension TemplateRenderer {
  func run(_ loop: LoopStatement) throws(TemplateError) -> Flow {
    try enter()
    defer { depth -= 1 }
    line = loop.line
    let iterable = try evaluate(loop.iterable)
    guard loop.isRecursive else {
      return try iterate(loop, over: iterable, depth0: 0, recurse: nil, outer: frame)
    }
    try write(try renderRecursive(loop, over: iterable, depth0: 0, outer: frame))
    return .normal
  }

  /// One level of a recursive loop, a function with variables of its own.
  private func renderRecursive(
    _ loop: LoopStatement, over iterable: TemplateValue, depth0: Int, outer: TemplateFrame
  )
    throws(TemplateError) -> TemplateText
  {
    try enter()
    defer { depth -= 1 }
    let caller = frame
    frame = TemplateFrame(count: loop.placeCount, parent: outer)
    defer { frame = caller }
    return try capture { () throws(TemplateError) in
      _ = try iterate(
        loop, over: iterable, depth0: depth0,
        recurse: { (inner, depth) throws(TemplateError) in
          try self.renderRecursive(loop, over: inner, depth0: depth, outer: outer)
        }, outer: outer)
    }
  }

  private func iterate(
    _ loop: LoopStatement, over iterable: TemplateValue, depth0: Int,
    recurse: ((TemplateValue, Int) throws(TemplateError) -> TemplateText)?, outer: TemplateFrame
  ) throws(TemplateError) -> Flow {
    let state = try start(loop, over: iterable, depth0: depth0, recurse: recurse, outer: outer)
    if let place = loop.loopPlace { frame.places[place] = .loop(state) }
    var isEmpty = true
    while true {
      guard let item = try state.advance() else { break }
      try step()
      line = loop.line
      try assign(item, to: loop.target)
      try open(loop.body.scope)
      let flow = try run(loop.body.statements)
      if flow == .leaveLoop { break }
      // WHY: Jinja notes that the loop was not empty at the end of the body, which `break` and `continue` skip.
      if flow == .normal { isEmpty = false }
    }
    close(loop.body.scope)
    return isEmpty ? try run(loop.otherwise) : .normal
  }

  private func start(
    _ loop: LoopStatement, over iterable: TemplateValue, depth0: Int,
    recurse: ((TemplateValue, Int) throws(TemplateError) -> TemplateText)?, outer: TemplateFrame
  ) throws(TemplateError) -> TemplateLoop {
    var position = 0
    var count: Int?
    let source: TemplateLoop.Source
    if case .iterator(let iterator) = iterable {
      source = { () throws(TemplateError) in try iterator.next() }
    } else {
      let items = try self.items(of: iterable)
      count = items.count
      source = { () throws(TemplateError) in
        guard position < items.count else { return nil }
        position += 1
        return items[position - 1]
      }
    }
    guard let filter = loop.filter else {
      return TemplateLoop(count: count, depth0: depth0, recurse: recurse, source: source)
    }
    // WHY: the condition may look at what the body changes, so it is evaluated item by item.
    var isOpen = false
    let filterFrame = TemplateFrame(count: filter.placeCount, parent: outer)
    return TemplateLoop(count: nil, depth0: depth0, recurse: recurse) { [self] () throws(TemplateError) in
      let caller = frame
      frame = filterFrame
      defer { frame = caller }
      if !isOpen { try open(filter.scope) }
      isOpen = true
      while let item = try source() {
        try step()
        try assign(item, to: filter.target)
        if try evaluate(filter.condition).isTrue { return item }
      }
      return nil
    }
  }

  /// Everything a value yields when iterated.
  func items(of value: TemplateValue) throws(TemplateError) -> [TemplateValue] {
    let items: [TemplateValue]
    switch value {
    case .undefined: return []
    case .list(let sequence), .tuple(let sequence): return sequence.items
    case .text(let text):
      try allocate(bytes: text.count * 48)
      items = text.characters.map { .text($0) }
    case .dict(let mapping): return mapping.keys
    case .view(let view):
      if view.part == .items { try allocate(bytes: view.mapping.count * 96) }
      return view.items
    case .range(let range):
      try allocate(bytes: range.count * 32)
      items = (0..<range.count).map { .int(range[$0]) }
    case .iterator(let iterator): items = try iterator.takeAll()
    default: throw TemplateError(.value, "'\(value.typeName)' object is not iterable")
    }
    try step(items.count)
    return items
  }

  /// An iterator over `source` that does its work when first asked.
  func lazily(
    over source: TemplateValue, _ body: @escaping ([TemplateValue]) throws(TemplateError) -> [TemplateValue]
  )
    throws(TemplateError) -> TemplateValue
  {
    var chainLength = 0
    if case .iterator(let inner) = source {
      chainLength = inner.chainLength + 1
      // WHY: a chain of a thousand iterators would need as deep a stack when the last one is asked.
      if chainLength > 20 {
        try inner.fill()
        chainLength = 0
      }
    }
    return .iterator(
      TemplateIterator(chainLength: chainLength) { [self] () throws(TemplateError) in
        try enter()
        defer { depth -= 1 }
        let items = try body(try self.items(of: source))
        try allocate(bytes: items.count * 32)
        return items
      })
  }
}
