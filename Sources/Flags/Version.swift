/// The version of this package, which all of its commands print.
package let packageVersion = "0.1.0"
