import Foundation

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// An element of a document, with its own text but not that of the elements in it.
package struct Element {
    package let name: String
    package let attributes: [String: String]
    package var text = ""
}

/// Not XML: where, and what the parser says.
package struct Malformed: Error {
    package let line: Int
    package let reason: String
}

/// Every element in document order; throws where the document is not well-formed XML.
package func elements(of document: String) throws -> [Element] {
    let parser = XMLParser(data: Data(document.utf8))
    let collector = Collector()
    parser.delegate = collector
    guard parser.parse() else {
        throw Malformed(
            line: parser.lineNumber, reason: parser.parserError.map { "\($0)" } ?? "unknown")
    }
    return collector.elements
}

private final class Collector: NSObject, XMLParserDelegate {
    var elements: [Element] = []
    private var open: [Int] = []

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
        qualifiedName: String?, attributes: [String: String]
    ) {
        open.append(elements.count)
        elements.append(Element(name: name, attributes: attributes))
    }

    func parser(
        _ parser: XMLParser, didEndElement name: String, namespaceURI: String?,
        qualifiedName: String?
    ) { open.removeLast() }

    func parser(_ parser: XMLParser, foundCharacters string: String) {
        if let last = open.last { elements[last].text += string }
    }
}
