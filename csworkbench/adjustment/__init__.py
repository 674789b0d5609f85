"""What touches and plans did where no lot was drawn: comparisons, overlap, pooling, and how much doubt is left."""
