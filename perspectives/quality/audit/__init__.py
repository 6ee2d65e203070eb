"""What the audit of an AnnotationSet finds, as tables; `perspectives audit` prints and writes them."""
