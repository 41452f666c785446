package com.example;

import java.util.concurrent.CompletableFuture;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** Trains in the background of a request, over gRPC. */
@SpringBootApplication
@RestController
public class SpringHome {
  private CompletableFuture<String> training = CompletableFuture.completedFuture("none");

  public static void main(String[] args) {
    SpringApplication.run(SpringHome.class, args);
  }

  /** Starts a federation of one client in process. */
  @GetMapping("/train")
  public String train(@RequestParam String model, @RequestParam String data) {
    training =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                OverNetwork.main(new String[] {model, data});
                return "trained";
              } catch (Exception e) {
                throw new IllegalStateException(e);
              }
            });
    return "started";
  }

  /** Waits for it, and says how it ended. */
  @GetMapping("/result")
  public String result() throws Exception {
    return training.get();
  }
}
