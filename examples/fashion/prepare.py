"""Writes data/train.txt and data/valid.txt: 2,000 pictures each from Debian's dataset-fashion-mnist, shrunk from 28 x 28 to 14 x 14 pixels by
averaging, in libsvm's text format (pixels that are 0 are left out)."""

import gzip
import pathlib

SOURCE = pathlib.Path("/usr/share/datasets/fashion-mnist")
DATA = pathlib.Path(__file__).resolve().parent / "data"
SIDE = 28
PICTURE = SIDE * SIDE


def shrink(picture):
    """The 196 averages of 2 x 2 pixels."""
    for row in range(0, PICTURE, 2 * SIDE):
        for column in range(row, row + SIDE, 2):
            yield (picture[column] + picture[column + 1] + picture[column + SIDE] + picture[column + SIDE + 1]) // 4


def write(path, pictures, labels, first, count):
    with open(path, "w", encoding="ascii") as file:
        for i in range(first, first + count):
            pixels = shrink(pictures[i * PICTURE : (i + 1) * PICTURE])
            file.write(" ".join([str(labels[i]), *(f"{index}:{value}" for index, value in enumerate(pixels) if value)]) + "\n")


def main():
    with gzip.open(SOURCE / "train-images-idx3-ubyte.gz") as images, gzip.open(SOURCE / "train-labels-idx1-ubyte.gz") as labels:
        images.read(16)  # magic number, count, height, width
        labels.read(8)   # magic number, count
        pictures, digits = images.read(4000 * PICTURE), labels.read(4000)
    DATA.mkdir(exist_ok=True)
    write(DATA / "train.txt", pictures, digits, 0, 2000)
    write(DATA / "valid.txt", pictures, digits, 2000, 2000)


if __name__ == "__main__":
    main()
