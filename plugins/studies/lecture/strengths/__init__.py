"""One corruption at two strengths: what the studies of erasure, blur and block masking have in common."""
