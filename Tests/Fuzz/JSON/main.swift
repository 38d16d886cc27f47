import FuzzSupport
import Parsing

// Any bytes either are refused with a sentence or give a value that survives writing and reading again.
//
//   FUZZ=1 swift run --build-path .build-fuzz FuzzJSON -max_len=4096 -runs=1000000

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = unsafe Span(_unsafeStart: start, count: count)
  guard let value = try? JSONReader.parse(bytes) else { return 0 }
  for options in [JSONWriter.Options.compact, .pretty, .init(ensureASCII: true, sortedKeys: true)] {
    let again = try? JSONReader.parse(JSONWriter.bytes(value, options: options))
    precondition(again == value)
  }
  return 0
}

unsafe fuzz(fuzzOneInput)
