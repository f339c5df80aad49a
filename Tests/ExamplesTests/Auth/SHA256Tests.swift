import Testing

@testable import Examples

/// The vectors of FIPS 180-4 (NIST's examples for SHA-256) and of RFC 4231.
@Suite struct SHA256Tests {
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                + "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
        ),
    ])
    func `texts have the digests of the standard`(text: String, digest: String) {
        #expect(hexadecimal(SHA256.digest(of: Array(text.utf8))) == digest)
    }

    @Test func `a million letters have the digest of the standard`() {
        var hash = SHA256()
        for _ in 0..<100 { hash.add([UInt8](repeating: 0x61, count: 10_000)) }

        #expect(
            hexadecimal(hash.digest())
                == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test func `pieces have the digest of the whole`() {
        let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0) }
        for cut in [0, 1, 55, 56, 63, 64, 65, 119, 128, 300] {
            var hash = SHA256()
            hash.add(Array(bytes[..<cut]))
            hash.add(Array(bytes[cut...]))
            #expect(hash.digest() == SHA256.digest(of: bytes))
        }
    }

    /// A case of RFC 4231: a key, a message, and the code or the beginning of it.
    struct Vector: Sendable {
        let key: [UInt8]
        let message: [UInt8]
        let code: String

        init(key: [UInt8], _ message: [UInt8], _ code: String) {
            (self.key, self.message, self.code) = (key, message, code)
        }

        static func bytes(_ byte: UInt8, _ count: Int) -> [UInt8] {
            .init(repeating: byte, count: count)
        }

        static let all: [Vector] = [
            Vector(
                key: bytes(0x0B, 20), Array("Hi There".utf8),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            Vector(
                key: Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            Vector(
                key: bytes(0xAA, 20), bytes(0xDD, 50),
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
            Vector(
                key: [UInt8](1...25), bytes(0xCD, 50),
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
            Vector(
                key: bytes(0x0C, 20), Array("Test With Truncation".utf8),
                "a3b6167473100ee06e0c796c2955552b"),
            Vector(
                key: bytes(0xAA, 131),
                Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
            Vector(
                key: bytes(0xAA, 131),
                Array(
                    """
                    This is a test using a larger than block-size key and a larger than block-size \
                    data. The key needs to be hashed before being used by the HMAC algorithm.
                    """.utf8),
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"),
        ]
    }

    @Test(arguments: Vector.all)
    func `codes are those of RFC 4231`(vector: Vector) {
        let code = hexadecimal(hmacSHA256(of: vector.message, key: vector.key))
        #expect(code.hasPrefix(vector.code))
    }

    @Test func `codes that differ anywhere are not equal`() {
        let code = SHA256.digest(of: [])
        #expect(areEqualInConstantTime(code, code))
        for place in code.indices {
            var other = code
            other[place] ^= 1
            #expect(!areEqualInConstantTime(code, other))
        }
        #expect(!areEqualInConstantTime(code, []))
        #expect(!areEqualInConstantTime(code, code + [0]))
    }
}
