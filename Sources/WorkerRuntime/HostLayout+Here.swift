internal import Checkpoints
package import Compute

extension HostLayout {
  /// The host that runs this, as the kernel describes it.
  package static var here: HostLayout {
    HostLayout(allowed: HostFacts.allowedCPUs) { path in
      guard let bytes = try? SmallFile.read("/sys/devices/system/" + path, maxBytes: 65536) else {
        return nil
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }
}
