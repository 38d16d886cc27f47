import FuzzSupport
import Checkpoints

// Any bytes either are refused with a sentence or give an index whose tensors tile them.
//
//   FUZZ=1 swift run --build-path .build-fuzz FuzzSafetensors -max_len=4096 -max_total_time=60

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  let bytes = unsafe Span(_unsafeStart: start, count: count)
  guard let index = try? SafetensorsIndex(bytes, file: "input") else { return 0 }
  var end = index.entries.first?.bytes.lowerBound ?? count
  for entry in index.entries {
    precondition(entry.bytes.lowerBound == end && index[entry.name] == entry)
    end = entry.bytes.upperBound
  }
  precondition(end == count)
  return 0
}

unsafe fuzz(fuzzOneInput)
