package bench;

import jakarta.persistence.Entity;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.Id;
import jakarta.validation.constraints.NotBlank;
import java.util.List;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.data.jpa.repository.JpaRepository;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** An ordinary web application: Tomcat, a database in memory, a health page. Nothing in it is made slow on purpose. */
@SpringBootApplication
public class Shop {
  @RestController
  static class Page {
    private final Products products;

    Page(Products products) {
      this.products = products;
    }

    @GetMapping("/products")
    List<String> names() {
      return products.findAll().stream().map(product -> product.name).toList();
    }
  }

  public static void main(String[] args) {
    SpringApplication.run(Shop.class, args);
  }
}

@Entity
class Product {
  @Id @GeneratedValue Long id;
  @NotBlank String name;
}

interface Products extends JpaRepository<Product, Long> {}
