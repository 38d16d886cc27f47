/// How many KV heads share one 32-bit cell of the original's cache, by the name of the cache type.
enum CacheDType {
  /// Bytes of one element, for the names that the original's array library understands.
  ///
  /// Names wider than four bytes are here too: they cannot be packed and get a sentence of their own.
  static func itemSize(of name: String) -> Int? {
    sizes[name]
  }

  private static let sizes: [String: Int] = {
    let names: [Int: String] = [
      1: """
      fp8 fp8_e4m3 fp8_e5m2 fp4 bool bool_ int8 uint8 byte ubyte ? b B b1 i1 u1 int2 uint2 int4 uint4
      float8_e3m4 float8_e4m3 float8_e4m3b11fnuz float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz
      float8_e8m0fnu float6_e2m3fn float6_e3m2fn float4_e2m1fn
      """,
      2: "bfloat16 float16 half int16 uint16 short ushort e h H f2 i2 u2",
      4: "float32 single int32 uint32 intc uintc f i I f4 i4 u4",
      8:
        "float64 double float int64 uint64 int uint long ulong longlong ulonglong complex64 csingle d l L q "
        + "Q F f8 i8 u8 c8",
      16: "complex128 cdouble complex longdouble D g G c16 f16",
    ]
    var sizes: [String: Int] = [:]
    for (size, list) in names {
      for name in list.split(whereSeparator: \.isWhitespace) { sizes[String(name)] = size }
    }
    return sizes
  }()
}
